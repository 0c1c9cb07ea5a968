export interface TokenBucketOptions {
  readonly perSecond: number;
  /** How many may be taken at once after some rest. */
  readonly burst: number;
}

/** Lets something happen so often in the long run, and some times at once after rest: the first waits for nobody. */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #tokens: number;
  #atMs = 0;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#tokens = options.burst;
  }

  /** Takes a token, and says how many milliseconds to wait before it is good. `nowMs` is of a clock that nobody sets. */
  take(nowMs: number): number {
    const { perSecond, burst } = this.#options;
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, nowMs - this.#atMs) / 1_000) * perSecond);
    this.#atMs = Math.max(this.#atMs, nowMs);
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / perSecond) * 1_000;
  }
}
