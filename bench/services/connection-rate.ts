/** How many TCP connections a second are made, one after the other: the handshake, and a reset that leaves nothing behind. */
import { closeSync } from 'node:fs';
import { inNamespace, listenTcp } from '@tenet/host';
import { Ip } from '@tenet/std';
import { libc } from '../../packages/host/src/native.ts';
import { u32 } from '../../packages/host/src/netlink/bytes.ts';
import { AF, SOCK, SOL_SOCKET } from '../../packages/host/src/netlink/constants.ts';
import { socketAddress } from '../../packages/host/src/socket-address.ts';
import { checked } from '../../packages/host/src/system-call.ts';
import { type BenchNode, SERVER_PORT } from './bench-node.ts';

const SO_LINGER = 13;
const SO_SNDTIMEO = 21;
/** `struct linger`: on, for no time. */
const RESET = new Uint8Array([...u32(1), ...u32(0)]);
/** `struct timeval`: a connection that takes longer is an error, not a slow one. */
const TWO_SECONDS = new Uint8Array([...u32(2), ...u32(0), ...u32(0), ...u32(0)]);
const EVERY_ADDRESS = Ip.parse('0.0.0.0');

/** For so long, from the node's client to an address; the kernel of the servers completes the handshakes by itself. */
export function connectionsPerSecond(
  { client, server }: BenchNode,
  { to, port }: { readonly to: Ip; readonly port: number },
  windowMs: number,
): number {
  // One that is as new as its window: nobody accepts, so that what comes stays in its queue.
  const listening = listenTcp({ namespace: server, address: EVERY_ADDRESS, port: SERVER_PORT, backlog: 1 << 20 });
  try {
    const address = socketAddress(to, port);
    return inNamespace(client, () => {
      const startMs = performance.now();
      let connections = 0;
      for (; performance.now() - startMs < windowMs; connections++) connect(address, to);
      return connections / ((performance.now() - startMs) / 1000);
    });
  } finally {
    closeSync(listening);
  }
}

function connect(address: Uint8Array, to: Ip): void {
  const operation = `connect to ${to}`;
  const fd = checked(operation, libc().socket(AF.INET, SOCK.STREAM | SOCK.CLOEXEC, 0));
  try {
    checked(operation, libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, RESET, RESET.length));
    checked(operation, libc().setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, TWO_SECONDS, TWO_SECONDS.length));
    checked(operation, libc().connect(fd, address, address.length));
  } finally {
    closeSync(fd);
  }
}
