import type { Clock } from '@tenet/std';

/** A bell: whoever waits for it goes on when it is rung, also if that was before the waiting began. */
export class Wake {
  #bell = Promise.withResolvers<void>();

  ring(): void {
    this.#bell.resolve();
  }

  /** Waits for the bell, at most `ms`; rejects with the signal's reason once that aborts. */
  async wait(ms: number, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
    const rung = new AbortController();
    try {
      await Promise.race([this.#bell.promise, clock.sleep(ms, AbortSignal.any([signal, rung.signal]))]);
    } finally {
      rung.abort();
      this.#bell = Promise.withResolvers();
    }
    signal.throwIfAborted();
  }
}
