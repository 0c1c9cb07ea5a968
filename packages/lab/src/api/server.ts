import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { type Logger, sentenceOf } from '@tenet/std';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { CORE_VERSIONS, groupDocument, groupList, resourceList, VERSION } from './discovery.ts';
import type { JsonObject } from './json.ts';
import type { ResourceSpec } from './resources.ts';
import { responseSink } from './response-sink.ts';
import { serveResource } from './serve-resource.ts';
import { StatusError } from './status.ts';
import type { ApiStore } from './store.ts';
import { streamWatch, type WatchQuery } from './watch-stream.ts';

/** Where to listen: a socket that is bound already, in whatever namespace, or an address. Port 0 takes a free one. */
export type ListenAt = { readonly fd: number } | { readonly host: string; readonly port: number };

/** One socket that the server listens on. Disposing of it closes the socket and its connections, not the others. */
export interface ApiListener extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

/** A running API server. */
export interface ApiServer extends AsyncDisposable {
  /** In the order of `listeners`, then as they were added. */
  readonly listeners: readonly ApiListener[];
  /** Listens on one more: a node that joins. */
  listen(at: ListenAt): Promise<ApiListener>;
  /** Watches that are being fed. */
  readonly watchCount: number;
}

/** Settings of `startApiServer`. */
export interface ApiServerOptions {
  readonly listeners: readonly ListenAt[];
  readonly store: ApiStore;
  readonly log: Logger;
  /** Closes the server. */
  readonly signal?: AbortSignal;
  /** How often a quiet watch gets a bookmark; 60 s unless told. */
  readonly bookmarkMs?: number;
  /** A watch whose reader takes nothing for this long is cut; 30 s unless told. */
  readonly stallMs?: number;
}

/** As kube-apiserver: larger objects do not fit into etcd. */
const MAX_BODY_BYTES = 3 * 2 ** 20;
/** TCP keep-alive finds readers that died without a word. */
const KEEP_ALIVE_PROBE_MS = 30_000;
/** Longer than clients keep an idle connection, so that it is theirs to close. */
const IDLE_MS = 120_000;

/** Serves a store by the Kubernetes REST protocol, on any number of sockets. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, log, signal, bookmarkMs = 60_000, stallMs = 30_000 } = options;
  const watches = new Set<Promise<void>>();
  const app = fastify({ logger: false, bodyLimit: MAX_BODY_BYTES });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));

  async function resource(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const url = new URL(request.url, 'http://api');
    const decision = serveResource(
      store,
      {
        method: request.method,
        pathname: url.pathname,
        query: url.searchParams,
        contentType: request.headers['content-type'] ?? '',
        body: request.body instanceof Uint8Array ? request.body : undefined,
      },
      Math.random(),
    );
    if (decision.kind === 'answer') return await reply.code(decision.status).send(decision.body);
    reply.hijack();
    const response = reply.raw;
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    const watch = feed(response, decision);
    watches.add(watch);
    await watch.finally(() => watches.delete(watch));
    return reply;
  }

  async function feed(response: ServerResponse, watch: { resource: ResourceSpec; query: WatchQuery }): Promise<void> {
    const sink = responseSink(response, stallMs);
    try {
      await streamWatch(store, { ...watch, sink, bookmarkMs, nowMs: () => Date.now() });
      response.end();
    } catch (error) {
      response.destroy();
      if (!sink.signal.aborted) log.error('watch failed', { kind: watch.resource.kind, error: sentenceOf(error) });
    }
  }

  const found = (body: JsonObject | undefined): JsonObject => {
    if (body === undefined) throw new StatusError('NotFound', 'the server could not find the requested resource');
    return body;
  };
  for (const path of ['/healthz', '/livez', '/readyz'])
    app.get(path, (_, reply) => reply.type('text/plain').send('ok'));
  app.get('/version', () => VERSION);
  app.get('/api', () => CORE_VERSIONS);
  app.get('/apis', () => groupList(store.resources));
  app.get<{ Params: { version: string } }>('/api/:version', ({ params }) =>
    found(resourceList(store.resources, { group: '', version: params.version })),
  );
  app.get<{ Params: { group: string } }>('/apis/:group', ({ params }) =>
    found(groupDocument(store.resources, params.group)),
  );
  app.get<{ Params: { group: string; version: string } }>('/apis/:group/:version', ({ params }) =>
    found(resourceList(store.resources, params)),
  );
  app.all('/api/:version/*', resource);
  app.all('/apis/:group/:version/*', resource);
  app.setNotFoundHandler(() => found(undefined));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const refusal = error instanceof StatusError ? error : unexpected(error);
    if (refusal.reason === 'InternalError') {
      log.error('request failed', { command: `${request.method} ${request.url}`, error: sentenceOf(error) });
    }
    return reply.code(refusal.code).send(refusal.status);
  });
  await app.ready();

  const listeners: ApiListener[] = [];
  async function listen(at: ListenAt): Promise<ApiListener> {
    const listener = await listenOn(at, app.routing);
    listeners.push(listener);
    return {
      ...listener,
      async [Symbol.asyncDispose]() {
        const index = listeners.indexOf(listener);
        if (index !== -1) listeners.splice(index, 1);
        await listener[Symbol.asyncDispose]();
      },
    };
  }
  async function close(): Promise<void> {
    signal?.removeEventListener('abort', abort);
    await Promise.all(listeners.splice(0).map((listener) => listener[Symbol.asyncDispose]()));
    await Promise.all(watches);
    await app.close();
  }
  const abort = () => void close().catch((error) => log.error('close failed', { error: sentenceOf(error) }));
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    for (const at of options.listeners) await listen(at);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    listeners,
    listen,
    get watchCount() {
      return watches.size;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** One HTTP server for each socket; all of them lead to the same routes. */
async function listenOn(
  at: ListenAt,
  routing: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ApiListener> {
  const server = createServer(
    { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS, keepAliveTimeout: IDLE_MS, noDelay: true },
    routing,
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
  });
  const { address, port } = addressOf(server);
  return {
    host: address,
    port,
    url: `http://${isIPv6(address) ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the API server listens on TCP sockets');
  return address;
}

/** Fastify's own refusals (a body that is too large, a path that cannot be decoded), and what nobody expected. */
function unexpected({ message, statusCode = 500 }: Error & { statusCode?: number }): StatusError {
  if (statusCode === 413) return new StatusError('RequestEntityTooLarge', `Request entity too large: ${message}`);
  if (statusCode === 415) return new StatusError('UnsupportedMediaType', message);
  if (statusCode < 500) return new StatusError('BadRequest', message);
  return new StatusError('InternalError', `Internal error occurred: ${message}`);
}
