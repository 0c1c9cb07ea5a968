/** A signal that aborts after a time or with one of its parents, and that leaves nothing behind when disposed of. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** True when the time ran out, false when a parent aborted or nothing happened. */
  readonly isExpired: boolean;
  /** Stops the time; the parents still abort. */
  stop(): void;
}

/**
 * Starts a deadline. By hand and not by `AbortSignal.any`: the parents live for months, and each of their dependents
 * must be gone when its request is.
 */
export function startDeadline(ms: number, ...parents: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController();
  let isExpired = false;
  const timer = setTimeout(() => {
    isExpired = true;
    controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError'));
  }, ms);
  const follow = () => controller.abort(parents.find((parent) => parent?.aborted)?.reason);
  for (const parent of parents) parent?.addEventListener('abort', follow, { once: true });
  if (parents.some((parent) => parent?.aborted)) follow();
  return {
    signal: controller.signal,
    get isExpired() {
      return isExpired;
    },
    stop: () => clearTimeout(timer),
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const parent of parents) parent?.removeEventListener('abort', follow);
    },
  };
}

/** What comes of a promise that cannot be stopped, or the signal's reason once that aborts. */
export async function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const cut = Promise.withResolvers<never>();
  const follow = () => cut.reject(signal.reason);
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  try {
    return await Promise.race([promise, cut.promise]);
  } finally {
    signal.removeEventListener('abort', follow);
  }
}
