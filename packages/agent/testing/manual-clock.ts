import type { Clock } from '@tenet/std';

/** A clock for tests that goes on only when it is told to. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { untilMs: this.#nowMs + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    return promise;
  }

  /** Lets time pass, and then all that follows from it at once. */
  async pass(ms: number): Promise<void> {
    await settled();
    for (const endMs = this.#nowMs + ms; ; await settled()) {
      const due = [...this.#sleepers].filter(({ untilMs }) => untilMs <= endMs).sort((a, b) => a.untilMs - b.untilMs);
      const [next] = due;
      this.#nowMs = next === undefined ? endMs : Math.max(this.#nowMs, next.untilMs);
      if (next === undefined) return;
      this.#sleepers.delete(next);
      next.wake();
    }
  }
}

/** Resolves when every promise that could settle without time passing has. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
