import { type Clock, isTenetError, sentenceOf } from '@tenet/std';

/** What a step has changed: how many entries of its kind. */
export interface StepChange {
  readonly added?: number;
  readonly removed?: number;
  readonly changed?: number;
}

/** Why a step does not work now. */
interface StepFailure {
  /** Since when it has failed without a success in between, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly sentence: string;
  readonly remedy: string;
  /** Of one of our own errors; absent for a bug. */
  readonly code?: string;
}

/** What became of a step's runs. */
export interface StepState {
  readonly passes: number;
  readonly failures: number;
  /** When it last ended well, in milliseconds since the epoch. */
  readonly lastSuccessMs?: number;
  readonly lastSeconds: number;
  readonly failure?: StepFailure;
}

/** The last time that a step changed something. */
export interface LastChange extends StepChange {
  readonly step: string;
  readonly atMs: number;
}

/** What became of each step of the daemon's passes. */
export class StepRecord {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #states = new Map<string, StepState>();
  #lastChange: LastChange | undefined;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** By step, in the order in which the steps ran first. */
  get states(): ReadonlyMap<string, StepState> {
    return this.#states;
  }

  get lastChange(): LastChange | undefined {
    return this.#lastChange;
  }

  succeeded(step: string, seconds: number): void {
    const { passes = 0, failures = 0 } = this.#states.get(step) ?? {};
    this.#states.set(step, {
      passes: passes + 1,
      failures,
      lastSuccessMs: this.#clock.nowMs(),
      lastSeconds: seconds,
    });
  }

  failed(step: string, seconds: number, error: unknown): void {
    const before = this.#states.get(step);
    this.#states.set(step, {
      ...before,
      passes: (before?.passes ?? 0) + 1,
      failures: (before?.failures ?? 0) + 1,
      lastSeconds: seconds,
      failure: { sinceMs: before?.failure?.sinceMs ?? this.#clock.nowMs(), ...wordsOf(error) },
    });
  }

  changed(step: string, change: StepChange): void {
    this.#lastChange = { step, atMs: this.#clock.nowMs(), ...change };
  }
}

function wordsOf(error: unknown): Omit<StepFailure, 'sinceMs'> {
  const sentence = sentenceOf(error);
  return isTenetError(error)
    ? { sentence, remedy: error.remedy, code: error.code }
    : { sentence, remedy: 'report this: it is a bug; the log has its stack' };
}
