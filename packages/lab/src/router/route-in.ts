import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { listenTcp, openTcp } from '@tenet/host';
import { Ip } from '@tenet/std';
import { PATIENCE } from '../process/patience.ts';
import { endpointsOfHost, hostOf, type RouterState, type RouterTarget } from './choose-endpoint.ts';

/** A router in a pod, and what it knows. */
export interface RouterSpec {
  /** The path of the pod's network namespace: requests come in there and go on from there. */
  readonly namespace: string;
  /** The cluster as it is now. */
  readonly state: () => RouterState;
}

const PORT = 80;
const ANY = Ip.parse('0.0.0.0');
const CONNECT_DEADLINE_MS = 2_000 * PATIENCE;
/** Nobody answered: neither TCP nor ARP. */
const SILENCE = new Set(['ETIMEDOUT', 'EHOSTUNREACH']);
/** Headers that are about one connection, not about the request (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade']);

/**
 * An HTTP router as OpenShift runs one: it listens in a pod's namespace, and leads each request by its host straight to
 * an endpoint of the service that asks for that host. Like any pod it reaches what its project reaches; what it cannot
 * reach is answered with 502 or 504 (RFC 9110 §15.6).
 */
export async function routeIn({ namespace, state }: RouterSpec): Promise<AsyncDisposable> {
  let turn = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = hostOf(request.headers.host);
    const targets = endpointsOfHost(host, state());
    if (targets === undefined) return refuse(response, 503, `no service asks for the host ${JSON.stringify(host)}`);
    turn++;
    const target = targets[turn % (targets.length || 1)];
    if (target === undefined) return refuse(response, 503, `no pod serves the host ${JSON.stringify(host)} now`);
    await forward(request, response, { target, namespace });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: NodeJS.ErrnoException) => {
      // The client is gone, or has seen a part of an answer that has no end.
      if (response.headersSent || response.destroyed) response.destroy();
      else refuse(response, SILENCE.has(error.code ?? '') ? 504 : 502, error.message);
    });
  });
  server.listen({ fd: listenTcp({ namespace, address: ANY, port: PORT }) });
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Forwarding {
  readonly target: RouterTarget;
  readonly namespace: string;
}

async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { target, namespace }: Forwarding,
): Promise<void> {
  using stack = new DisposableStack();
  const socket = new Socket({ fd: openTcp(namespace) });
  stack.defer(() => socket.destroy());
  await connected(socket, target);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name)));
  const client = request.socket.remoteAddress ?? '';
  const onward = httpRequest({
    createConnection: () => socket,
    method: request.method,
    path: request.url,
    headers: { ...headers, 'x-forwarded-for': [headers['x-forwarded-for'], client].filter(Boolean).join(', ') },
  });
  const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
  await Promise.all([pipeline(request, onward), answered.then(([answer]) => passOn(answer, response))]);
}

async function passOn(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name));
  response.writeHead(answer.statusCode ?? 502, Object.fromEntries(headers));
  await pipeline(answer, response);
}

/** A pod that does not answer would be waited for until TCP gives up: minutes. */
async function connected(socket: Socket, { ip, port }: RouterTarget): Promise<void> {
  const tooLate = () => {
    const message = `no answer from ${ip} port ${port} within ${CONNECT_DEADLINE_MS / 1000} s`;
    socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
  };
  const timer = setTimeout(tooLate, CONNECT_DEADLINE_MS);
  try {
    await once(socket.connect(port, ip), 'connect');
  } finally {
    clearTimeout(timer);
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${why}\n`);
}
