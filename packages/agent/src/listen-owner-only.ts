import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

/**
 * Listens at a unix socket that only its owner can open, from its first moment on: in place of one that was left
 * behind, in a directory that is made if need be. Rejects as `listen` does.
 */
export async function listenOwnerOnly(server: Server, socket: string): Promise<void> {
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  rmSync(socket, { force: true });
  // The socket is born when listen is called: nobody but us may ever have been able to open it.
  const umask = process.umask(0o177);
  try {
    server.listen(socket);
  } finally {
    process.umask(umask);
  }
  await once(server, 'listening');
}
