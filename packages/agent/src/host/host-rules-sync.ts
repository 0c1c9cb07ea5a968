import type { IptablesVariant } from '@tenet/host';
import { type DesiredRules, parseIptablesSave, planRestore, type Ruleset } from '@tenet/netfilter';
import { hostRules, type NodeNetwork } from '@tenet/pipeline';
import type { Logger } from '@tenet/std';
import { GuardTotals } from '../metrics/guard-totals.ts';
import { findVariant, NETFILTER, type Netfilter, OTHER_VARIANT } from './iptables-variants.ts';
import { OtherVariant } from './other-variant.ts';

interface HostRulesOptions {
  readonly node: NodeNetwork;
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

/** Who asks what the guards have dropped gets numbers that are no older. */
const COUNTED_MS = 10_000;

/** How long the rules may take to say what they have counted; who asks waits no longer. */
const COUNT_DEADLINE_MS = 2_000;

/**
 * Keeps the host's netfilter rules, in the variant of iptables that the node uses. To be called often: while the kernel
 * says that the rules are those which were last found right, a call starts no process and takes 0.2 ms.
 */
export class HostRulesSync {
  /** Found once and kept: our own rules must not move from one variant to the other. */
  #variant: IptablesVariant | undefined;
  #other: OtherVariant | undefined;
  /** The version of the rules that were found right, and when. */
  #right: { readonly version: string; readonly atMs: number } | undefined;
  /** When the guards' counters were asked for last, and the question that is under way. */
  #countedMs = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | undefined;
  readonly #guards: GuardTotals;
  readonly #desired: DesiredRules;
  readonly #log: Logger;
  readonly #onChanged: HostRulesOptions['onChanged'];
  readonly #nowMs: () => number;
  readonly #netfilter: Netfilter;

  constructor({ node, log, onChanged, nowMs = () => performance.now(), netfilter = NETFILTER }: HostRulesOptions) {
    this.#guards = new GuardTotals(node);
    this.#desired = hostRules(node);
    this.#log = log;
    this.#onChanged = onChanged;
    this.#nowMs = nowMs;
    this.#netfilter = netfilter;
  }

  /** The variant in use; undefined until the first comparison. */
  get variant(): IptablesVariant | undefined {
    return this.#variant;
  }

  /** How many rules others have in the variant that is not in use, as of the last minute; undefined until it was read. */
  get otherVariantRules(): number | undefined {
    return this.#other?.otherRules;
  }

  /** Compares what is installed with what should be, and writes the difference; nothing when there is none. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const variant = await this.#variantHere(signal);
    await this.#reconcileOwn(variant, signal);
    // Behind ours: where both variants hold them, none is gone before the other is whole.
    this.#other ??= new OtherVariant({
      variant: OTHER_VARIANT[variant],
      desired: this.#desired,
      netfilter: this.#netfilter,
      log: this.#log,
      nowMs: this.#nowMs,
    });
    const removed = await this.#other.look(signal);
    if (removed > 0) this.#onChanged({ added: 0, removed });
  }

  /**
   * Packets that each guard has dropped since the daemon started. Starts a process, at most every 10 s. Rules that
   * cannot be read are the passes' to report: then the numbers are those of before.
   */
  async guardDrops(): Promise<ReadonlyMap<string, bigint>> {
    const variant = this.#variant;
    const nowMs = this.#nowMs();
    if (variant !== undefined && nowMs - this.#countedMs >= COUNTED_MS) {
      this.#countedMs = nowMs;
      this.#counting = this.#read({ variant, deadlineMs: COUNT_DEADLINE_MS }).then(
        () => {},
        () => {},
      );
    }
    await this.#counting;
    return this.#guards.all;
  }

  async #reconcileOwn(variant: IptablesVariant, signal: AbortSignal): Promise<void> {
    const scope = { variant, signal };
    // Before the rules: what changes while they are read gives another version the next time.
    const version = this.#netfilter.readRulesVersion(scope);
    const atMs = this.#nowMs();
    if (version !== undefined && version === this.#right?.version && atMs - this.#right.atMs < TRUSTED_MS) return;
    this.#right = undefined;
    const restore = planRestore(this.#desired, await this.#read(scope));
    if (restore === undefined) {
      if (version !== undefined) this.#right = { version, atMs };
      return;
    }
    await this.#write(restore, scope);
    // Not taken for right: the next call reads what came of it.
    const added = restore.split('\n').filter((line) => /^-[AI]/.test(line)).length;
    this.#log.info('host rules reconciled', { added });
    this.#onChanged({ added });
  }

  async #read(scope: Parameters<Netfilter['iptablesSave']>[0]): Promise<Ruleset> {
    const count = this.#guards.begin();
    const installed = parseIptablesSave(await this.#netfilter.iptablesSave({ ...scope, counters: true }));
    count(installed);
    return installed;
  }

  async #write(restore: string, scope: { readonly variant: IptablesVariant; readonly signal: AbortSignal }) {
    const changed = this.#guards.change();
    let filled: readonly string[] = [];
    try {
      await this.#netfilter.iptablesRestore(restore, { ...scope, noflush: true });
      filled = [...restore.matchAll(/^:(\S+) /gm)].map(([, chain = '']) => chain);
    } finally {
      changed(filled);
    }
  }

  async #variantHere(signal: AbortSignal): Promise<IptablesVariant> {
    if (this.#variant !== undefined) return this.#variant;
    const variant = await findVariant(this.#netfilter, this.#desired, signal);
    this.#variant = variant;
    this.#log.info('iptables variant found', { version: variant });
    return variant;
  }
}
