import { isTenetError, type Logger, sentenceOf } from '@tenet/std';

/**
 * Runs the named steps of a pass, each whatever became of the others. A failure is logged when it is new, not at
 * every pass, and its end is logged too. Returns whether all went well.
 */
export class Steps {
  readonly #log: Logger;
  readonly #failing = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  async run(what: string, step: () => void | Promise<void>): Promise<boolean> {
    try {
      await step();
    } catch (error) {
      const sentence = sentenceOf(error);
      if (this.#failing.get(what) !== sentence) {
        this.#log.warn('step failed', {
          what,
          error: sentence,
          remedy: isTenetError(error) ? error.remedy : undefined,
        });
      }
      this.#failing.set(what, sentence);
      return false;
    }
    if (this.#failing.delete(what)) this.#log.info('step works again', { what });
    return true;
  }

  /** What is wrong now, in sentences. */
  get problems(): ReadonlyMap<string, string> {
    return this.#failing;
  }
}
