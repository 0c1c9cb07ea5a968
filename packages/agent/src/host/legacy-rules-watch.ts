import { RULES_CONCERNS, type RulesConcern, type RulesWatch } from './rules-watch.ts';

export interface LegacyRulesWatchOptions {
  /** The numbers of entries of all tables and their lengths; undefined when the kernel does not say. */
  readonly readSizes: () => string | undefined;
  /** A digest over all rules, which takes 2 ms for each thousand of them; undefined when the kernel does not say. */
  readonly readDigest: () => string | undefined;
  /** A clock in milliseconds that nobody sets. */
  readonly nowMs: () => number;
}

/** Digests may take one part of the time in so many. */
const DIGEST_SHARE = 50;

/**
 * Watches the rules of iptables-legacy, of whose changes the kernel tells nothing. The sizes of its tables are asked for
 * at every look, and show at once that rules came or went. What replaces a rule of the same length only a digest over
 * all of them shows: with few rules it is taken at every look, with 100,000 every some ten seconds.
 */
export class LegacyRulesWatch implements RulesWatch {
  readonly #options: LegacyRulesWatchOptions;
  readonly #suspects = new Set<RulesConcern>(RULES_CONCERNS);
  #sizes: string | undefined;
  #digest: string | undefined;
  #nextDigestMs = Number.NEGATIVE_INFINITY;
  #isWriting = false;

  constructor(options: LegacyRulesWatchOptions) {
    this.#options = options;
  }

  look(): ReadonlySet<RulesConcern> {
    if (!this.#isWriting) this.#compare(this.#options.nowMs() >= this.#nextDigestMs);
    return this.#suspects;
  }

  async reading<T>(concerns: readonly RulesConcern[], read: (touched: undefined) => Promise<T>): Promise<T> {
    this.#compare(true);
    for (const concern of concerns) this.#suspects.delete(concern);
    try {
      return await read(undefined);
    } catch (error) {
      this.#suspect(concerns);
      throw error;
    }
  }

  /** What others replace by something of the same length in the moment of a write shows only when all is read again. */
  async writing(_commits: number, write: () => Promise<void>): Promise<void> {
    this.look();
    this.#isWriting = true;
    try {
      await write();
    } catch (error) {
      this.#suspect(RULES_CONCERNS);
      throw error;
    } finally {
      this.#isWriting = false;
      this.#sizes = this.#options.readSizes();
      this.#takeDigest();
    }
  }

  [Symbol.dispose](): void {}

  #compare(withDigest: boolean): void {
    const sizes = this.#options.readSizes();
    const isMoved = sizes === undefined || sizes !== this.#sizes;
    this.#sizes = sizes;
    if (isMoved) this.#suspect(RULES_CONCERNS);
    if (!isMoved && !withDigest) return;
    const before = this.#digest;
    this.#takeDigest();
    if (this.#digest === undefined || this.#digest !== before) this.#suspect(RULES_CONCERNS);
  }

  #takeDigest(): void {
    const { nowMs, readDigest } = this.#options;
    const startedMs = nowMs();
    this.#digest = readDigest();
    const endedMs = nowMs();
    this.#nextDigestMs = endedMs + (endedMs - startedMs) * DIGEST_SHARE;
  }

  #suspect(concerns: readonly RulesConcern[]): void {
    for (const concern of concerns) this.#suspects.add(concern);
  }
}
