/** A TCP client in a namespace, as a pod or a node would be one. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { openTcp } from '@tenet/host';
import type { Ip } from '@tenet/std';

/** Connects; its own direction stays open when the other ends. */
export function tcpClient(namespace: string, to: Ip, port: number): Socket {
  const socket = new Socket({ fd: openTcp(namespace), allowHalfOpen: true });
  return socket.connect({ host: to.toString(), port });
}

/** What becomes of a connection: `connected`, the code of the error that ends it, or `timeout`. */
export async function connectionOutcome(socket: Socket, withinMs: number): Promise<string> {
  const given = new AbortController();
  const { signal } = given;
  const failed = once(socket, 'error', { signal }).then(([error]) => String(error.code));
  const connected = once(socket, 'connect', { signal }).then(() => 'connected');
  const late = pause(withinMs, 'timeout', { signal });
  try {
    return await Promise.race([failed, connected, late]);
  } finally {
    given.abort();
    for (const other of [failed, connected, late]) other.catch(() => {});
  }
}

/** All that is said until the end. */
export async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}
