import { type Logger, sentenceOf } from '@tenet/std';

/**
 * Runs the named steps of a pass, each whatever became of the others. A failure is logged when it is new, not at
 * every pass, and its end is logged too.
 */
export class Steps {
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #failing = new Map<string, string>();

  constructor(log: Logger, signal: AbortSignal) {
    this.#log = log;
    this.#signal = signal;
  }

  async run(what: string, step: () => void | Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      // Told to stop in the middle: that is no failure.
      if (this.#signal.aborted) return;
      const sentence = sentenceOf(error);
      // What is not one of ours is a bug: the log spells out its stack.
      if (this.#failing.get(what) !== sentence) this.#log.warn('step failed', { what, error });
      this.#failing.set(what, sentence);
      return;
    }
    if (this.#failing.delete(what)) this.#log.info('step works again', { what });
  }
}
