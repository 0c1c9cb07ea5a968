import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import fastify from 'fastify';
import { agentError } from '../errors.ts';
import { type NodeStatus, STATUS_PATH } from './node-status.ts';

/**
 * Answers `GET /status` at a unix socket that only its owner can open. Disposing it ends that. STATUS_NOT_SERVED when
 * it cannot listen.
 */
export async function serveStatus(socket: string, read: () => Promise<NodeStatus>): Promise<AsyncDisposable> {
  const server = fastify();
  server.get(STATUS_PATH, read);
  try {
    mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
    rmSync(socket, { force: true });
    await server.ready();
    // The socket is born when listen is called: nobody but us may ever have been able to open it.
    const umask = process.umask(0o177);
    try {
      server.server.listen(socket);
    } finally {
      process.umask(umask);
    }
    await once(server.server, 'listening');
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
