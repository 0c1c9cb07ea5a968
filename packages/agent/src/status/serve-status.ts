import { existsSync } from 'node:fs';
import fastify from 'fastify';
import { agentError } from '../errors.ts';
import { listenOwnerOnly } from '../listen-owner-only.ts';
import { type NodeStatus, STATUS_PATH } from './node-status.ts';

/**
 * Answers `GET /status` at a unix socket that only its owner can open. Disposing it ends that. STATUS_NOT_SERVED when
 * it cannot listen.
 */
export async function serveStatus(socket: string, read: () => Promise<NodeStatus>): Promise<AsyncDisposable> {
  const server = fastify();
  server.get(STATUS_PATH, read);
  try {
    await server.ready();
    await listenOwnerOnly(server.server, socket);
  } catch (error) {
    await server.close();
    throw agentError('STATUS_NOT_SERVED', { socket }, error);
  }
  return { [Symbol.asyncDispose]: () => server.close().then(() => undefined) };
}

/** True while the socket has its name: somebody may remove it. */
export function isSocketThere(socket: string): boolean {
  return existsSync(socket);
}
