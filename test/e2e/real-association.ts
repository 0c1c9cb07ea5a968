import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { listenSctp, openSctp } from '@tenet/host';
import { Ip } from '@tenet/std';
import { PATIENCE } from '../eventually.ts';
import type { AssociationSpec } from './begin-association.ts';

const DEADLINE_MS = 10_000 * PATIENCE;

/** A pod speaks with a service by SCTP of the kernel's own, and is answered: the server has seen the pod's address. */
export async function associate(spec: Omit<AssociationSpec, 'gateway' | 'clientPort'>): Promise<void> {
  const { client, service, server, serverPort } = spec;
  const signal = AbortSignal.timeout(DEADLINE_MS);
  await using stack = new AsyncDisposableStack();
  const accepted = new Set<Socket>();
  const listener = createServer((socket) => {
    accepted.add(socket);
    socket.on('error', () => {});
    socket.once('data', (words) => void socket.write(`${words} from ${socket.remoteAddress}`));
  });
  stack.defer(async () => {
    listener.close();
    // Streams wait for the other's end of theirs, and associations have but one (RFC 9260 §9.2).
    for (const socket of accepted) socket.destroy();
    await once(listener, 'close');
  });
  listener.listen({ fd: listenSctp({ namespace: server.netns, address: Ip.parse('0.0.0.0'), port: serverPort }) });
  await once(listener, 'listening', { signal });
  const socket = new Socket({ fd: openSctp(client.netns) });
  stack.defer(() => void socket.destroy());
  await once(socket.connect(service.port, String(service.ip)), 'connect', { signal });
  socket.write('good day');
  const [words] = await once(socket, 'data', { signal });
  assert.equal(String(words), `good day from ${client.ip}`);
}
