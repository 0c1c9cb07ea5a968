import { once } from 'node:events';
import { createServer } from 'node:net';
import { failLab } from '../errors.ts';

/** Below the ports that the kernel hands out by itself (ip_local_port_range), so that nobody gets it by chance. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const TRIES = 50;

/** A port of 127.0.0.1 that is free now; where to begin follows from the lab's id, so that two labs seldom meet. */
export async function chooseApiPort(labId: string): Promise<number> {
  const start = Number.parseInt(labId, 16) % PORTS;
  for (let offset = 0; offset < TRIES; offset++) {
    const port = FIRST_PORT + ((start + offset) % PORTS);
    if (await isFree(port)) return port;
  }
  return failLab('NO_FREE_PORT', { from: FIRST_PORT + start, tries: TRIES });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
