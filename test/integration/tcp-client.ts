/** A TCP client in a namespace, as a pod or a node would be one. */
import { Socket } from 'node:net';
import { openTcp } from '@tenet/host';
import type { Ip } from '@tenet/std';

/** Connects; its own direction stays open when the other ends. An error that nobody waits for is no failure. */
export function tcpClient(namespace: string, to: Ip, port: number): Socket {
  const socket = new Socket({ fd: openTcp(namespace), allowHalfOpen: true });
  socket.on('error', () => {});
  return socket.connect({ host: to.toString(), port });
}

/** Whether a connection comes to stand: `connected`, the code of the error that ends it, or `timeout`. */
export function connectionOutcome(socket: Socket, withinMs: number): Promise<string> {
  return firstOf(socket, { connect: 'connected' }, { withinMs, late: 'timeout' });
}

/** What has become of a connection after a time: `open`, or what has kept it from that. */
export async function connectionFate(socket: Socket, withinMs: number): Promise<string> {
  const outcome = await connectionOutcome(socket, withinMs);
  return outcome === 'connected' ? await firstOf(socket, { end: 'ended' }, { withinMs, late: 'open' }) : outcome;
}

/** All that is said until the end. */
export async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

/** The word for what happens first; the code of an error. */
function firstOf(
  socket: Socket,
  words: Readonly<Record<string, string>>,
  { withinMs, late }: { readonly withinMs: number; readonly late: string },
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(late), withinMs);
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  for (const [event, word] of Object.entries(words)) socket.once(event, () => resolve(word));
  return promise.finally(() => clearTimeout(timer));
}
