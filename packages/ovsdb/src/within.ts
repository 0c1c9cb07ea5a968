import type { TenetError } from '@tenet/std';

/** How long to wait for one answer. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** 10 s unless told; Infinity for none. */
  readonly deadlineMs?: number | undefined;
}

/** The deadline of requests whose caller names none. */
const DEADLINE_MS = 10_000;

/** Waits for a promise; rejects with the signal's reason once that aborts, with `late` after the deadline. */
export async function within<T>(
  promise: Promise<T>,
  { signal, deadlineMs = DEADLINE_MS }: RequestOptions,
  late: (deadlineMs: number) => TenetError,
): Promise<T> {
  // Whoever stops waiting does not care how it ends.
  promise.catch(() => {});
  signal?.throwIfAborted();
  const end = Promise.withResolvers<never>();
  const abort = () => end.reject(signal?.reason);
  const expire = () => end.reject(late(deadlineMs));
  const timer = Number.isFinite(deadlineMs) ? setTimeout(expire, deadlineMs) : undefined;
  signal?.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, end.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** One deadline for several requests in a row: each call answers the options with what is left of it. */
export function countdown({ signal, deadlineMs = DEADLINE_MS }: RequestOptions = {}): () => Required<RequestOptions> {
  const end = performance.now() + deadlineMs;
  return () => ({ signal, deadlineMs: Math.max(0, Math.round(end - performance.now())) });
}
