import { type Logger, sentenceOf } from '@tenet/std';
import type { AgentMetrics } from './metrics/agent-metrics.ts';

export interface StepsOptions {
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly metrics: Pick<AgentMetrics, 'reconciled' | 'stepFailed'>;
}

/**
 * Runs the named steps of a pass, each whatever became of the others. A failure is logged when it is new, not at
 * every pass, and its end is logged too.
 */
export class Steps {
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #metrics: StepsOptions['metrics'];
  readonly #failing = new Map<string, string>();

  constructor({ log, signal, metrics }: StepsOptions) {
    this.#log = log;
    this.#signal = signal;
    this.#metrics = metrics;
  }

  async run(what: string, step: () => void | Promise<void>): Promise<void> {
    const startedMs = performance.now();
    const seconds = () => (performance.now() - startedMs) / 1000;
    try {
      await step();
    } catch (error) {
      // Told to stop in the middle: that is no failure.
      if (this.#signal.aborted) return;
      const sentence = sentenceOf(error);
      // What is not one of ours is a bug: the log spells out its stack.
      if (this.#failing.get(what) !== sentence) this.#log.warn('step failed', { what, error });
      this.#failing.set(what, sentence);
      this.#metrics.stepFailed(what, seconds(), error);
      return;
    }
    this.#metrics.reconciled(what, seconds());
    if (this.#failing.delete(what)) this.#log.info('step works again', { what });
  }
}
