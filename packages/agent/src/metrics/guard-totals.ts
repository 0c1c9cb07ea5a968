import { formatRule, type Ruleset } from '@tenet/netfilter';
import { type HostGuard, hostGuards, type NodeNetwork } from '@tenet/pipeline';

/**
 * How many packets each guard of the host's rules has dropped since the daemon started, whatever becomes of the rules
 * that count them. A rule that is added again counts from zero; the totals never go backwards. What a rule counted
 * between its last reading and its end is not known to anybody.
 */
export class GuardTotals {
  readonly #guards: readonly (HostGuard & { readonly key: string })[];
  readonly #totals: Map<string, bigint>;
  /** What each rule's counter said when it was read last, by chain and rule. */
  readonly #readings = new Map<string, bigint>();
  /** Moves with everything that makes a reading which began before it worthless. */
  #turn = 0;
  #isChanging = false;

  constructor(node: NodeNetwork) {
    this.#guards = hostGuards(node).map((guard) => ({ ...guard, key: keyOf(guard.chain, formatRule(guard.rule)) }));
    this.#totals = new Map(this.#guards.map(({ guard }) => [guard, 0n]));
  }

  /** Packets by guard; every guard is there. */
  get all(): ReadonlyMap<string, bigint> {
    return this.#totals;
  }

  /**
   * To be called before the rules are read; the answer takes them, with their counters. Of readings that overlap, or
   * that a change of the rules overtakes, it takes none but the first: an older number would look like a new counter.
   */
  begin(): (installed: Ruleset) => void {
    const turn = this.#turn;
    return (installed) => {
      if (turn !== this.#turn || this.#isChanging) return;
      this.#turn++;
      this.#take(installed);
    };
  }

  /** To be called before the rules are changed; the answer, after that, takes the chains that were filled again. */
  change(): (filled: Iterable<string>) => void {
    this.#isChanging = true;
    return (filled) => {
      this.#isChanging = false;
      this.#turn++;
      const chains = new Set(filled);
      for (const { chain, key } of this.#guards) if (chains.has(chain)) this.#readings.delete(key);
    };
  }

  #take({ tables }: Ruleset): void {
    for (const { guard, table, chain, key } of this.#guards) {
      const rule = tables
        .get(table)
        ?.chains.get(chain)
        ?.rules.find((each) => keyOf(chain, formatRule(each)) === key);
      const packets = rule?.counters?.packets;
      if (packets === undefined) {
        this.#readings.delete(key);
        continue;
      }
      const before = this.#readings.get(key) ?? 0n;
      const more = before <= packets ? packets - before : packets;
      this.#totals.set(guard, (this.#totals.get(guard) ?? 0n) + more);
      this.#readings.set(key, packets);
    }
  }
}

function keyOf(chain: string, rule: string): string {
  return `${chain} ${rule}`;
}
