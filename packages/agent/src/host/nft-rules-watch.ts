import type { NftChange } from '@tenet/host';
import type { ChainPlace } from '@tenet/proxy';
import { RULES_CONCERNS, type RulesConcern, type RulesWatch } from './rules-watch.ts';

export interface NftRulesWatchOptions {
  /** The generation of the nf_tables rules, which each commit moves by one; undefined when the kernel does not say. */
  readonly readGeneration: () => number | undefined;
  /** What the kernel tells of changes. */
  readonly news: { take(): readonly NftChange[] | undefined } & Disposable;
  /** Whose rules a change is about; nobody's for what others have for themselves. */
  readonly concernsOf: (change: NftChange) => readonly RulesConcern[];
}

/** Generations are 32 bits, and begin again at zero. */
const GENERATIONS = 2 ** 32;

/**
 * Watches the rules of nf_tables. The kernel tells which tables and chains somebody has changed, so that a stranger who
 * writes his own every second costs nothing. It tells of our own writes too: those are known by the generation, which
 * has moved by as many as we committed and no more.
 */
export class NftRulesWatch implements RulesWatch {
  readonly #options: NftRulesWatchOptions;
  readonly #suspects = new Set<RulesConcern>(RULES_CONCERNS);
  /** Chains of services that others have changed since these were read; undefined when anything may have changed. */
  #touched: Map<string, ChainPlace> | undefined;
  #isWriting = false;

  constructor(options: NftRulesWatchOptions) {
    this.#options = options;
  }

  look(): ReadonlySet<RulesConcern> {
    // What is told while we write is judged behind it, by the generation.
    if (!this.#isWriting) this.#judge(this.#options.news.take());
    if (this.#options.readGeneration() === undefined) this.#suspect(RULES_CONCERNS);
    return this.#suspects;
  }

  async reading<T>(
    concerns: readonly RulesConcern[],
    read: (touched: readonly ChainPlace[] | undefined) => Promise<T>,
  ): Promise<T> {
    this.look();
    const touched = this.#touched && [...this.#touched.values()];
    if (concerns.includes('services')) this.#touched = new Map();
    for (const concern of concerns) this.#suspects.delete(concern);
    try {
      return await read(touched);
    } catch (error) {
      this.#suspect(concerns);
      throw error;
    }
  }

  async writing(commits: number, write: () => Promise<void>): Promise<void> {
    const { news, readGeneration } = this.#options;
    this.look();
    const before = readGeneration();
    this.#isWriting = true;
    try {
      await write();
    } catch (error) {
      // It may have committed one table and not the other.
      this.#suspect(RULES_CONCERNS);
      throw error;
    } finally {
      this.#isWriting = false;
    }
    // In this order: all that is told by now was committed before the number is read.
    const changes = news.take();
    const after = readGeneration();
    const isOursAlone = before !== undefined && after !== undefined && distance(before, after) === commits;
    if (!isOursAlone) this.#judge(changes);
    // What is told late, of a commit that was counted in the first number.
    else this.#judge(changes?.filter(({ generation }) => !isBetween(before, generation, after)) ?? []);
  }

  [Symbol.dispose](): void {
    this.#options.news[Symbol.dispose]();
  }

  #judge(changes: readonly NftChange[] | undefined): void {
    if (changes === undefined) this.#suspect(RULES_CONCERNS);
    for (const change of changes ?? []) {
      const concerns = this.#options.concernsOf(change);
      for (const concern of concerns) this.#suspects.add(concern);
      if (concerns.includes('services')) this.#touch(change);
    }
  }

  #touch({ table, chain }: NftChange): void {
    if (chain === undefined) this.#touched = undefined;
    else this.#touched?.set(`${table} ${chain}`, { table, chain });
  }

  #suspect(concerns: readonly RulesConcern[]): void {
    if (concerns.includes('services')) this.#touched = undefined;
    for (const concern of concerns) this.#suspects.add(concern);
  }
}

function distance(from: number, to: number): number {
  return (to - from + GENERATIONS) % GENERATIONS;
}

/** Whether a generation came behind the first and not behind the last. */
function isBetween(first: number, generation: number, last: number): boolean {
  const at = distance(first, generation);
  return at > 0 && at <= distance(first, last);
}
