/** How often a program looks whether its parent still lives: npm does not pass SIGTERM on to the script that it runs. */
const PARENT_CHECK_MS = 500;

/** A signal that aborts when the program is to end. */
export interface Life extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Aborts at SIGINT, SIGTERM or SIGHUP, and, for a program in the foreground, when its parent dies. The reason is the
 * name of the signal.
 */
export function untilSignalled({ withParent = false }: { readonly withParent?: boolean } = {}): Life {
  const controller = new AbortController();
  const end = (signal: NodeJS.Signals) => controller.abort(new DOMException(`${signal} received`, 'AbortError'));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, end);
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (withParent && process.ppid !== parent) end('SIGHUP');
  }, PARENT_CHECK_MS).unref();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const signal of signals) process.off(signal, end);
    },
  };
}
