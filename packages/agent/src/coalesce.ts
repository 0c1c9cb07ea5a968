/**
 * Makes a pass callable by many: at most one runs and one waits. A call joins the one that waits, so what it saw
 * before it called is in the pass that it gets, and a hundred calls at once cost two passes.
 */
export function coalesce(pass: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;

  function start(): Promise<void> {
    waiting = undefined;
    const current = pass().finally(() => {
      if (running === current) running = undefined;
    });
    running = current;
    return current;
  }

  return () => {
    if (running === undefined) return start();
    waiting ??= running.then(start, start);
    return waiting;
  };
}
