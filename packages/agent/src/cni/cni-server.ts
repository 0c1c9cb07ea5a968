import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { NEWEST_CNI_VERSION } from '@tenet/model/cni';
import type { Logger } from '@tenet/std';
import fastify, { type FastifyInstance } from 'fastify';
import { agentError, failAgent } from '../errors.ts';
import { listenOwnerOnly } from '../listen-owner-only.ts';
import type { EndedCall } from '../metrics/agent-metrics.ts';
import { errorAnswer } from './answer.ts';
import { CallParts } from './call-parts.ts';
import { carryOut } from './carry-out.ts';
import { answerVersion, parseCniRequest, WIRE_REQUEST } from './request.ts';
import type { Wiring } from './wiring.ts';

/** A request is an environment and a network configuration: far more than that is a mistake. */
const MAX_REQUEST_BYTES = 4 << 20;

export interface CniServerOptions {
  /** Path of the unix socket. */
  readonly socket: string;
  readonly wiring: Wiring;
  readonly log: Logger;
  /** How long a call may take before it is undone. */
  readonly deadlineMs: number;
  /** Ends the calls under way. */
  readonly signal: AbortSignal;
  /** Hears of each call that has ended: how it was answered, and how long it took. */
  readonly onEnded?: (call: EndedCall) => void;
}

/**
 * Serves the CNI plugin on a unix socket: one POST a call, answered with what the plugin has to print and the status
 * with which it has to exit. Calls for one attachment queue, others run at the same time.
 */
export class CniServer implements AsyncDisposable {
  readonly #options: CniServerOptions;
  #server: FastifyInstance | undefined;

  constructor(options: CniServerOptions) {
    this.#options = options;
  }

  /** Listens, unless it does so already; also after somebody has removed the socket. */
  async ensureListening(): Promise<void> {
    const { socket } = this.#options;
    if (this.#server !== undefined && existsSync(socket)) return;
    await this.#server?.close();
    const server = fastify({ bodyLimit: MAX_REQUEST_BYTES });
    server.post('/cni', (message) => this.#answer(message.body));
    await server.ready();
    await listenOwnerOnly(server.server, socket);
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close();
  }

  async #answer(body: unknown): Promise<{ readonly status: number; readonly print?: object }> {
    const { wiring, log, signal, onEnded, deadlineMs } = this.#options;
    const wire = WIRE_REQUEST.safeParse(body);
    if (!wire.success) {
      const error = agentError('CNI_CONFIGURATION', { problem: 'did not come from tenet-cni' });
      return { status: 1, print: errorAnswer(NEWEST_CNI_VERSION, error) };
    }
    const { environment, stdin } = wire.data;
    const command = environment.CNI_COMMAND ?? 'CNI call';
    const parts = new CallParts();
    const startedMs = performance.now();
    const ended = (code: number): void => onEnded?.({ command, code, seconds: (performance.now() - startedMs) / 1000 });
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
      const print = await carryOut(wiring, parseCniRequest(wire.data), { signal: deadline, parts });
      ended(0);
      return { status: 0, ...(print && { print }) };
    } catch (error) {
      const failure = isTimeout(error)
        ? agentError('CNI_TIMED_OUT', { command, waitedMs: deadlineMs, doing: parts.doing }, error)
        : error;
      const { CNI_CONTAINERID: containerId, CNI_IFNAME: ifName } = environment;
      log.warn('cni call failed', { command, containerId, interface: ifName, error: failure });
      const answer = errorAnswer(answerVersion(stdin), failure);
      ended(answer.code);
      return { status: 1, print: answer };
    }
  }
}

/** DAEMON_RUNS_ALREADY when somebody answers at the socket: two daemons would undo each other's work. */
export async function refuseSecondDaemon(socket: string): Promise<void> {
  const connection = createConnection(socket);
  try {
    await once(connection, 'connect');
  } catch {
    return;
  } finally {
    connection.destroy();
  }
  failAgent('DAEMON_RUNS_ALREADY', { socket });
}

/** A deadline that passed in the middle. */
function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
