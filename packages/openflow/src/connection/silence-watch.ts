/** Notices that a peer has fallen silent: it is asked for a sign of life, and given up when none comes. */

/** What `SilenceWatch` needs. */
export interface SilenceWatchOptions {
  /** Silence after which the peer is asked. */
  readonly idleMs: number;
  /** Silence after the question until the peer is given up. */
  readonly deadlineMs: number;
  /** Asks the peer for anything at all. */
  readonly ask: () => void;
  /** Ends what is shared with the peer. Called once; nothing follows it. */
  readonly giveUp: () => void;
}

/**
 * Watches from the first `heard()` until it is disposed. Whatever comes is a sign of life, not the answer alone: a peer
 * that sends a long answer takes the question only after it.
 */
export class SilenceWatch implements Disposable {
  readonly #options: SilenceWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #isDisposed = false;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
  }

  /** The peer lives. */
  heard(): void {
    if (this.#isDisposed) return;
    this.#rest();
    this.#timer = setTimeout(() => this.#ask(), this.#options.idleMs);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#rest();
  }

  #ask(): void {
    const { deadlineMs, ask, giveUp } = this.#options;
    // When this process itself stood still, timers run before sockets: what came meanwhile is read first.
    const readFirst = () => {
      this.#turn = setImmediate(giveUp);
    };
    this.#timer = setTimeout(readFirst, deadlineMs);
    ask();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
  }
}
