import { backoffMs, type Clock } from '@tenet/std';

export interface SyncLoopOptions {
  /** One look at everything; false when it failed, which it has reported itself. */
  readonly pass: () => Promise<boolean>;
  readonly clock: Pick<Clock, 'sleep'>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Everything is looked at again after this time, whether or not something was heard. */
const LOOK_MS = 1_000;
/** From 0.2 s, since clients wait, to 10 s: a tool that cannot work now is not started all the time. */
const BACKOFF = { firstMs: 200, maxMs: 10_000 };

/**
 * Passes one after the other: the next begins when something was heard, at once if that was during the last one, or
 * after a second. One that failed is repeated after a time that grows, whatever is heard meanwhile.
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions;
  #isHeard = false;
  #wakeUp: (() => void) | undefined;

  constructor(options: SyncLoopOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#wakeUp?.(), { once: true });
  }

  /** Says that there is something new. */
  hear(): void {
    this.#isHeard = true;
    this.#wakeUp?.();
  }

  /** Resolves when the signal has aborted and no pass is under way. */
  async run(): Promise<void> {
    const { pass, clock, random, signal } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      this.#isHeard = false;
      failures = (await pass()) ? 0 : failures + 1;
      if (failures === 0) await this.#rest();
      else await clock.sleep(backoffMs(failures, random(), BACKOFF), signal).catch(() => {});
    }
  }

  async #rest(): Promise<void> {
    if (this.#isHeard || this.#options.signal.aborted) return;
    const early = new AbortController();
    this.#wakeUp = () => early.abort();
    await this.#options.clock.sleep(LOOK_MS, early.signal).catch(() => {});
    this.#wakeUp = undefined;
  }
}
