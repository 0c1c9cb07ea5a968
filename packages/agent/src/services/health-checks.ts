import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { HealthCheck } from '@tenet/proxy';
import type { Logger } from '@tenet/std';
import { agentError } from '../errors.ts';

export interface HealthChecksOptions {
  /** Whether this node forwards what is sent to services as it should; load balancers avoid it else. */
  readonly isHealthy: () => boolean;
  readonly log: Logger;
  /** Where to listen; all addresses of IPv4 unless told. */
  readonly host?: string;
}

/** Anybody may ask, so none can take all that the daemon has. */
const MOST_CONNECTIONS = 64;
const REQUEST_WITHIN_MS = 5_000;

/**
 * Answers load balancers that ask whether services have endpoints on this node, each at its own port
 * (`healthCheckNodePort`), as kube-proxy does: 200 when there are some, 503 when there are none or the node does not
 * forward. One answer whatever is asked for, so plain HTTP without routes.
 */
export class HealthChecks implements AsyncDisposable {
  readonly #options: HealthChecksOptions;
  /** By port. */
  #wanted: ReadonlyMap<number, HealthCheck> = new Map();
  readonly #servers = new Map<number, Server>();
  /** The ports that could not be had when they were tried last. */
  readonly #failing = new Set<number>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /**
   * From now on these are answered and no others; to be called in each pass, one call at a time. A port that is taken
   * is told once, and tried again by the next call.
   */
  async keep(checks: Iterable<HealthCheck>): Promise<void> {
    const wanted = new Map([...checks].map((check) => [check.nodePort, check]));
    this.#wanted = wanted;
    for (const port of this.#failing) if (!wanted.has(port)) this.#failing.delete(port);
    for (const [port, server] of this.#servers) {
      if (wanted.has(port)) continue;
      this.#servers.delete(port);
      await closed(server);
    }
    for (const [port, check] of wanted) if (!this.#servers.has(port)) await this.#open(check);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keep([]);
  }

  async #open({ namespace, service: name, nodePort: port }: HealthCheck): Promise<void> {
    const { host = '0.0.0.0', log } = this.#options;
    const service = `${namespace}/${name}`;
    const server = createServer(
      { requestTimeout: REQUEST_WITHIN_MS, headersTimeout: REQUEST_WITHIN_MS },
      (_request, response) => this.#answer(port, response),
    );
    server.maxConnections = MOST_CONNECTIONS;
    try {
      server.listen({ host, port });
      await once(server, 'listening');
    } catch (cause) {
      const error = agentError('HEALTH_CHECK_NOT_SERVED', { service, port }, cause);
      if (!this.#failing.has(port)) log.warn('health check not served', { service, port, error, remedy: error.remedy });
      this.#failing.add(port);
      return;
    }
    // A connection that could not be accepted is the client's to repeat.
    server.on('error', () => {});
    this.#servers.set(port, server);
    if (this.#failing.delete(port)) log.info('health check served again', { service, port });
  }

  #answer(port: number, response: ServerResponse): void {
    const check = this.#wanted.get(port);
    // It went while the request came.
    if (check === undefined) return void response.destroy();
    const { namespace, service: name, localEndpoints } = check;
    const serviceProxyHealthy = this.#options.isHealthy();
    response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
      connection: 'close',
    });
    response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }));
  }
}

async function closed(server: Server): Promise<void> {
  const ended = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await ended;
}
