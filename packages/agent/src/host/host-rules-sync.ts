import type { IptablesVariant } from '@tenet/host';
import { type DesiredRules, parseIptablesSave, planRestore } from '@tenet/netfilter';
import { type HostGuard, hostGuards, hostRules, type NodeNetwork } from '@tenet/pipeline';
import type { Logger } from '@tenet/std';
import type { ProxyMode } from '../config.ts';
import { GuardTotals } from '../metrics/guard-totals.ts';
import { InstalledRules, type RulesTurn } from './installed-rules.ts';
import { findVariant, NETFILTER, type Netfilter, OTHER_VARIANT } from './iptables-variants.ts';
import { OtherVariant } from './other-variant.ts';
import { readGuards } from './read-guards.ts';
import { isServiceChain } from './service-chains.ts';

interface HostRulesOptions {
  readonly node: NodeNetwork;
  /** What forwards services: by chains of iptables, which the host's rules then call, or otherwise. `none` unless given. */
  readonly proxy?: ProxyMode;
  readonly log: Logger;
  /** Hears of each change that was made. */
  readonly onChanged: (change: { readonly added: number; readonly removed?: number }) => void;
  /** A clock in milliseconds that nobody sets; the process's own when left out. */
  readonly nowMs?: () => number;
  /** A test may stand in between. */
  readonly netfilter?: Netfilter;
}

/** After this time the rules are read whether or not they say that they have changed. */
const TRUSTED_MS = 60_000;

/**
 * Where there are many rules, reading takes at most one part of the time in so many, for as long as nobody has to wait
 * longer for it than this: somebody may write where ours are again and again.
 */
const READ_SHARE = 3;
const LONGEST_WAIT_MS = 1_500;

/** Who asks what the guards have dropped gets numbers that are no older. */
const COUNTED_MS = 10_000;

/** How long the rules may take to say what they have counted; who asks waits no longer. */
const COUNT_DEADLINE_MS = 2_000;

/**
 * Keeps the host's netfilter rules, in the variant of iptables that the node uses. To be called often: while nobody has
 * changed what concerns them, a call starts no process and takes 0.2 ms.
 */
export class HostRulesSync implements Disposable {
  /** Of the variant that was found once and is kept: our own rules must not move from one to the other. */
  #rules: InstalledRules | undefined;
  #other: OtherVariant | undefined;
  /** When the rules were found right; undefined once they were not, or were written. */
  #rightMs: number | undefined;
  #nextReadMs = Number.NEGATIVE_INFINITY;
  /** When the guards' counters were asked for last, and the question that is under way. */
  #countedMs = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | undefined;
  readonly #totals: GuardTotals;
  readonly #guards: readonly HostGuard[];
  readonly #desired: DesiredRules;
  readonly #proxy: ProxyMode;
  readonly #log: Logger;
  readonly #onChanged: HostRulesOptions['onChanged'];
  readonly #nowMs: () => number;
  readonly #netfilter: Netfilter;

  constructor(options: HostRulesOptions) {
    const { node, proxy = 'none', log, onChanged, nowMs = () => performance.now() } = options;
    this.#totals = new GuardTotals(node);
    this.#guards = hostGuards(node);
    this.#desired = hostRules(node, { serviceChains: proxy === 'iptables' });
    this.#proxy = proxy;
    this.#log = log;
    this.#onChanged = onChanged;
    this.#nowMs = nowMs;
    this.#netfilter = options.netfilter ?? NETFILTER;
  }

  /** The variant in use; undefined until the first comparison. */
  get variant(): IptablesVariant | undefined {
    return this.#rules?.variant;
  }

  /** How many rules others have in the variant that is not in use, as of the last minute; undefined until it was read. */
  get otherVariantRules(): number | undefined {
    return this.#other?.otherRules;
  }

  /** The rules of the variant in use, for others who keep some there. */
  async installed(signal: AbortSignal): Promise<InstalledRules> {
    if (this.#rules !== undefined) return this.#rules;
    const variant = await findVariant(this.#netfilter, this.#desired, signal);
    // Somebody else may have asked meanwhile.
    if (this.#rules === undefined) {
      const { netfilter, desired, nowMs } = { netfilter: this.#netfilter, desired: this.#desired, nowMs: this.#nowMs };
      this.#rules = new InstalledRules({ variant, desired, netfilter, nowMs });
      this.#rules.onRead((text, only) => {
        if (only === undefined) this.#compare(text);
      });
      this.#log.info('iptables variant found', { version: variant });
    }
    return this.#rules;
  }

  /** Compares what is installed with what should be, and writes the difference; nothing when there is none. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const rules = await this.installed(signal);
    await this.#reconcileOwn(rules, signal);
    // Behind ours: where both variants hold them, none is gone before the other is whole.
    this.#other ??= new OtherVariant({
      variant: OTHER_VARIANT[rules.variant],
      desired: this.#desired,
      // Where services are forwarded by us, those are not of others, and go once ours are whole.
      isIgnored: this.#proxy === 'none' ? () => false : isServiceChain,
      netfilter: this.#netfilter,
      log: this.#log,
      nowMs: this.#nowMs,
    });
    const removed = await this.#other.look(signal);
    if (removed > 0) this.#onChanged({ added: 0, removed });
  }

  /**
   * Packets that each guard has dropped since the daemon started. Starts processes, at most every 10 s. Rules that cannot
   * be read are the passes' to report: then the numbers are those of before.
   */
  async guardDrops(): Promise<ReadonlyMap<string, bigint>> {
    const nowMs = this.#nowMs();
    const { variant } = this;
    if (variant !== undefined && nowMs - this.#countedMs >= COUNTED_MS) {
      this.#countedMs = nowMs;
      this.#counting = this.#count(variant).catch(() => {});
    }
    await this.#counting;
    return this.#totals.all;
  }

  [Symbol.dispose](): void {
    this.#rules?.[Symbol.dispose]();
  }

  async #reconcileOwn(rules: InstalledRules, signal: AbortSignal): Promise<void> {
    const nowMs = this.#nowMs();
    const isSuspect = rules.look().has('host');
    if (this.#rightMs !== undefined) {
      if (!isSuspect && nowMs - this.#rightMs < TRUSTED_MS) return;
      if (rules.areMany && nowMs < this.#nextReadMs) return;
      if (!isSuspect && (await this.#isRight(rules, signal))) return;
    }
    await rules.turn((turn) => this.#readAndWrite(turn, signal));
  }

  /** A look without a reason, for which nobody waits who has something to write. */
  async #isRight(rules: InstalledRules, signal: AbortSignal): Promise<boolean> {
    const atMs = this.#nowMs();
    const count = this.#totals.begin();
    const installed = await rules.glanceOwn(signal);
    count(installed);
    if (planRestore(this.#desired, installed) !== undefined) return false;
    this.#rightMs = atMs;
    return true;
  }

  async #readAndWrite(turn: RulesTurn, signal: AbortSignal): Promise<void> {
    this.#rightMs = undefined;
    const atMs = this.#nowMs();
    const count = this.#totals.begin();
    const installed = await turn.readOwn(signal);
    count(installed);
    const endMs = this.#nowMs();
    this.#nextReadMs = endMs + Math.min(LONGEST_WAIT_MS, (endMs - atMs) * (READ_SHARE - 1));
    const restore = planRestore(this.#desired, installed);
    if (restore === undefined) {
      this.#rightMs = atMs;
      return;
    }
    await this.#write(restore, turn, signal);
    // Not taken for right: the next call reads what came of it.
    const added = restore.split('\n').filter((line) => /^-[AI]/.test(line)).length;
    this.#log.info('host rules reconciled', { added });
    this.#onChanged({ added });
  }

  async #write(restore: string, turn: RulesTurn, signal: AbortSignal): Promise<void> {
    const changed = this.#totals.change();
    let filled: readonly string[] = [];
    try {
      await turn.write(restore, signal);
      filled = [...restore.matchAll(/^:(\S+) /gm)].map(([, chain = '']) => chain);
    } finally {
      changed(filled);
    }
  }

  /** What was read for somebody else may be wrong for us: then the next call mends it. */
  #compare(text: string): void {
    if (this.#rightMs === undefined) return;
    const installed = parseIptablesSave(text, { withoutRulesOf: isServiceChain });
    this.#rightMs = planRestore(this.#desired, installed) === undefined ? this.#nowMs() : undefined;
  }

  async #count(variant: IptablesVariant): Promise<void> {
    const count = this.#totals.begin();
    count(await readGuards(this.#guards, { variant, netfilter: this.#netfilter, deadlineMs: COUNT_DEADLINE_MS }));
  }
}
