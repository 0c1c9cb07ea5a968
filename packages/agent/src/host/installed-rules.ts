import type { IptablesVariant } from '@tenet/host';
import { type DesiredRules, parseIptablesSave, type Ruleset, saveLines } from '@tenet/netfilter';
import type { ChainPlace } from '@tenet/proxy';
import type { Netfilter } from './iptables-variants.ts';
import { LegacyRulesWatch } from './legacy-rules-watch.ts';
import { NftRulesWatch } from './nft-rules-watch.ts';
import { type ListRules, readOwnRules } from './read-own-rules.ts';
import { iptablesConcerns } from './rules-concerns.ts';
import { RULES_CONCERNS, type RulesConcern, type RulesWatch } from './rules-watch.ts';
import { isServiceChain } from './service-chains.ts';
import { Turns } from './turns.ts';

export interface InstalledRulesOptions {
  readonly variant: IptablesVariant;
  /** What the host wants: it says whose a change is. */
  readonly desired: DesiredRules;
  readonly netfilter: Netfilter;
  readonly nowMs: () => number;
}

/** What may be done with the rules while it is one's turn. */
export interface RulesTurn {
  /** All rules as iptables-save prints them, with counters. Whoever keeps rules is shown them. */
  readWhole(signal: AbortSignal): Promise<string>;
  /** What the host's own rules are compared with: all but the rules of services. */
  readOwn(signal: AbortSignal): Promise<Ruleset>;
  /** Shows those chains of services that others have changed; all rules where that is not known, or costs no more. */
  readTouched(signal: AbortSignal): Promise<void>;
  /** One run of iptables-restore. */
  write(restore: string, signal: AbortSignal): Promise<void>;
}

/** Is shown all rules as iptables-save prints them; or only some chains, of which those have rules that are there. */
export type RulesReader = (text: string, only?: readonly ChainPlace[]) => void;

/** Each costs a process; to read everything costs as much as some hundred. */
const MOST_CHAINS = 64;

/** Above this all rules are read only when it is necessary: 10,000 services are 12 million characters, and take 1.5 s. */
const MANY_CHARACTERS = 1_000_000;

/** How long services may keep the tools: iptables-legacy takes a second to change one of 100,000 rules. */
const TOOL_DEADLINE_MS = 30_000;

/**
 * The node's iptables rules: the host's and those of services are read and written through here, one after the other, so
 * that each knows what it has left without reading it again.
 */
export class InstalledRules implements Disposable {
  readonly variant: IptablesVariant;
  readonly #options: InstalledRulesOptions;
  readonly #watch: RulesWatch;
  readonly #turns = new Turns();
  readonly #readers = new Set<RulesReader>();
  #areMany = false;
  /** Moves when a write begins and when it ends. */
  #writes = 0;

  constructor(options: InstalledRulesOptions) {
    this.variant = options.variant;
    this.#options = options;
    this.#watch = watchOf(options);
  }

  /** So many that nobody should read them all without need. */
  get areMany(): boolean {
    return this.#areMany;
  }

  /** Whose rules may be others than those that were read last, or written through here since. */
  look(): ReadonlySet<RulesConcern> {
    return this.#watch.look();
  }

  /** Shows all rules to someone each time they were read, whoever asked for it. */
  onRead(reader: RulesReader): Disposable {
    this.#readers.add(reader);
    return { [Symbol.dispose]: () => void this.#readers.delete(reader) };
  }

  /**
   * Reads all rules without taking a turn, so that nobody waits, and shows them unless something was written meanwhile: for
   * who looks whether all is as it should be, and has no reason to think that it is not.
   */
  async glance(signal: AbortSignal): Promise<void> {
    const writes = this.#writes;
    const text = await this.#save(signal);
    await this.#turns.take(async () => {
      if (writes === this.#writes) this.#show(text);
    });
  }

  /** The same for the host's own rules alone, which it gives to who asks. */
  async glanceOwn(signal: AbortSignal): Promise<Ruleset> {
    return this.#isListedApart ? await this.#listOwn(signal) : withoutServices(await this.#save(signal));
  }

  /** Does something with the rules that nobody else changes meanwhile by these means. */
  async turn<T>(work: (turn: RulesTurn) => Promise<T>): Promise<T> {
    return await this.#turns.take(() =>
      work({
        readWhole: (signal) => this.#readWhole(signal),
        readOwn: (signal) => this.#readOwn(signal),
        readTouched: (signal) => this.#readTouched(signal),
        write: (restore, signal) => this.#write(restore, signal),
      }),
    );
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  async #save(signal: AbortSignal): Promise<string> {
    const { variant, netfilter } = this.#options;
    return await netfilter.iptablesSave({ variant, signal, counters: true, deadlineMs: TOOL_DEADLINE_MS });
  }

  #show(text: string): void {
    this.#areMany = text.length > MANY_CHARACTERS;
    for (const reader of this.#readers) reader(text);
  }

  async #readWhole(signal: AbortSignal): Promise<string> {
    return await this.#watch.reading(RULES_CONCERNS, async () => {
      const text = await this.#save(signal);
      this.#show(text);
      return text;
    });
  }

  async #readOwn(signal: AbortSignal): Promise<Ruleset> {
    if (!this.#isListedApart) return withoutServices(await this.#readWhole(signal));
    return await this.#watch.reading(['host'], () => this.#listOwn(signal));
  }

  /**
   * With many rules there is no time to read them all while somebody else commits every second: the tools begin anew at
   * each commit.
   */
  async #readTouched(signal: AbortSignal): Promise<void> {
    if (this.#isListedApart) {
      const isShown = await this.#watch.reading(['services'], async (touched) => {
        if (touched === undefined || touched.length > MOST_CHAINS) return false;
        const text = await this.#listChains(touched, signal);
        for (const reader of this.#readers) reader(text, touched);
        return true;
      });
      if (isShown) return;
    }
    await this.#readWhole(signal);
  }

  async #listChains(chains: readonly ChainPlace[], signal: AbortSignal): Promise<string> {
    const { netfilter } = this.#options;
    const tables = new Map<string, string[]>();
    for (const { table, chain } of chains) {
      const lines = saveLines(await netfilter.iptablesList({ table, chain, signal }));
      tables.set(table, [...(tables.get(table) ?? []), ...lines]);
    }
    return [...tables].map(([table, lines]) => [`*${table}`, ...lines, 'COMMIT', ''].join('\n')).join('');
  }

  /** The legacy tools get whole tables out of the kernel, whatever they are asked for. */
  get #isListedApart(): boolean {
    return this.#areMany && this.variant === 'nft';
  }

  async #listOwn(signal: AbortSignal): Promise<Ruleset> {
    const { desired, netfilter } = this.#options;
    const list: ListRules = (table, chain) =>
      netfilter.iptablesList({ table, signal, ...(chain !== undefined && { chain }) });
    return await readOwnRules(desired, list);
  }

  async #write(restore: string, signal: AbortSignal): Promise<void> {
    const { variant, netfilter } = this.#options;
    const commits = restore.split('\n').filter((line) => line.startsWith('*')).length;
    this.#writes += 1;
    try {
      await this.#watch.writing(commits, () =>
        netfilter.iptablesRestore(restore, { variant, signal, noflush: true, deadlineMs: TOOL_DEADLINE_MS }),
      );
    } finally {
      this.#writes += 1;
    }
  }
}

function withoutServices(text: string): Ruleset {
  return parseIptablesSave(text, { withoutRulesOf: isServiceChain });
}

function watchOf({ variant, desired, netfilter, nowMs }: InstalledRulesOptions): RulesWatch {
  const readVersion = () => netfilter.readRulesVersion({ variant });
  switch (variant) {
    case 'legacy':
      return new LegacyRulesWatch({ readSizes: netfilter.readLegacySizes, readDigest: readVersion, nowMs });
    case 'nft':
      return new NftRulesWatch({
        readGeneration: () => numberOf(readVersion()),
        news: netfilter.hearOfRules(),
        concernsOf: iptablesConcerns(desired),
      });
  }
}

function numberOf(version: string | undefined): number | undefined {
  return version === undefined ? undefined : Number(version);
}
