import type { IptablesVariant } from '@tenet/host';
import { type DesiredRules, planRestore, takeCensus } from '@tenet/netfilter';
import type { Logger } from '@tenet/std';
import { agentError } from '../errors.ts';
import { type Netfilter, OTHER_VARIANT, readIfInstalled } from './iptables-variants.ts';

export interface OtherVariantOptions {
  readonly variant: IptablesVariant;
  /** What the variant in use is to hold; here nothing of it is. */
  readonly desired: DesiredRules;
  /** Chains that are not counted, whoever made them. */
  readonly isIgnored: (chain: string) => boolean;
  readonly netfilter: Netfilter;
  readonly log: Logger;
  /** A clock in milliseconds that nobody sets. */
  readonly nowMs: () => number;
}

/** How often it is asked whether anything has changed; only then it is read, which costs a process. */
const LOOK_MS = 60_000;

/**
 * The variant of iptables that does not keep the node's rules. Packets pass both, so that what others drop or translate
 * there happens whatever ours say: that is counted, and said once when it is new. Ours do not belong there, since of two
 * copies one would go stale.
 */
export class OtherVariant {
  readonly #options: OtherVariantOptions;
  #otherRules: number | undefined;
  #last: { readonly atMs: number; readonly version: string | undefined } | undefined;

  constructor(options: OtherVariantOptions) {
    this.#options = options;
  }

  /** How many rules others have there; undefined until the first look. */
  get otherRules(): number | undefined {
    return this.#otherRules;
  }

  /** Looks if the time has come; resolves with how many lines it took to remove what is ours. */
  async look(signal: AbortSignal): Promise<number> {
    const { variant, desired, isIgnored, netfilter, log, nowMs } = this.#options;
    const atMs = nowMs();
    if (this.#last !== undefined && atMs - this.#last.atMs < LOOK_MS) return 0;
    const version = netfilter.readRulesVersion({ variant });
    const isSame = version !== undefined && version === this.#last?.version;
    this.#last = { atMs, version };
    if (isSame) return 0;
    try {
      const installed = await readIfInstalled(netfilter, variant, signal);
      this.#count(takeCensus(desired, installed, { isIgnored }).otherRules);
      const removal = planRestore({ tables: [], ownedPrefixes: desired.ownedPrefixes }, installed);
      if (removal === undefined) return 0;
      await netfilter.iptablesRestore(removal, { variant, signal, noflush: true });
      const removed = removal.split('\n').filter((line) => /^-[DX]/.test(line)).length;
      log.info('host rules removed from the other variant of iptables', { version: variant, removed });
      // The next look reads what came of it.
      this.#last = { atMs, version: undefined };
      return removed;
    } catch (error) {
      // Not looked: the next pass tries again.
      this.#last = undefined;
      throw error;
    }
  }

  #count(rules: number): void {
    const { variant, log } = this.#options;
    const isNew = rules > 0 && !this.#otherRules;
    this.#otherRules = rules;
    if (!isNew) return;
    const { remedy } = agentError('FOREIGN_IPTABLES_RULES', { rules, variant, ours: OTHER_VARIANT[variant] });
    log.warn('rules of others in the other variant of iptables', { version: variant, rules, remedy });
  }
}
