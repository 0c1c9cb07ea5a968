import type { Socket } from 'node:net';

/**
 * Joins two connections: what one end says the other hears, no faster than it listens; the end of one direction leaves
 * the other open; and when one breaks, the other is reset. Both are made with `allowHalfOpen`.
 */
export function splice(one: Socket, other: Socket): void {
  join(one, other);
  join(other, one);
}

function join(from: Socket, to: Socket): void {
  // 'close' follows, and says all that matters.
  from.on('error', () => {});
  from.once('close', () => {
    if (!from.readableEnded || !from.writableFinished) to.resetAndDestroy();
  });
  from.pipe(to);
}
