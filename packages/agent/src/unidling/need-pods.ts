import { backoffMs, type Clock, isTenetError, type Logger, sentenceOf } from '@tenet/std';

/** Settings of `NeedPods`. */
export interface NeedPodsOptions {
  /** `namespace/name` of the service, for the log. */
  readonly service: string;
  /** Records the Event; rejects when it could not. */
  readonly record: () => Promise<void>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** While clients come, they are told of again after this: whoever should have heard it may have been away. */
const AGAIN_MS = 120_000;
const BACKOFF = { firstMs: 500, maxMs: 10_000 };

/** Tells that a port that sleeps has clients: at the first, then seldom, and again soon when telling failed. */
export class NeedPods {
  readonly #options: NeedPodsOptions;
  #isTelling = false;
  #failures = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: NeedPodsOptions) {
    this.#options = options;
  }

  /** Whether a client would be told of now. */
  get isDue(): boolean {
    return !this.#isTelling && this.#options.clock.nowMs() >= this.#notBeforeMs;
  }

  /** It was put to sleep: the next client is told of at once. */
  rearm(): void {
    this.#failures = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** A client waits or has come. To be called again while one waits. */
  needed(): void {
    if (this.isDue) void this.#tell();
  }

  async #tell(): Promise<void> {
    const { service, record, clock, random, log } = this.#options;
    this.#isTelling = true;
    // Reckoned from before the call, so that a rearm during it counts.
    this.#notBeforeMs = clock.nowMs() + AGAIN_MS;
    try {
      await record();
      this.#failures = 0;
      log.info('service needs pods', { service });
    } catch (error) {
      this.#failures++;
      const retryMs = backoffMs(this.#failures, random(), BACKOFF);
      this.#notBeforeMs = clock.nowMs() + retryMs;
      const remedy = isTenetError(error) ? error.remedy : 'check the API server';
      if (this.#failures === 1)
        log.warn('cannot tell that a service needs pods', { service, error: sentenceOf(error), retryMs, remedy });
    } finally {
      this.#isTelling = false;
    }
  }
}
