import type { Rule } from './rule.ts';

/** The rules that we want in a node's netfilter, among those of others. */
export interface DesiredRules {
  readonly tables: readonly DesiredTable[];
  /** Beginnings of chain names that nobody else uses: such a chain that is not desired is removed. */
  readonly ownedPrefixes: readonly string[];
}

export interface DesiredTable {
  /** filter, nat, raw, … */
  readonly table: string;
  /** Chains that are ours as a whole, in the order in which they are to be made. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  /** Chains that we call and others fill: made when missing, never changed, never removed. */
  readonly sharedChains?: readonly string[];
  /** Single rules of ours in chains of others, in the order in which they are to stand. */
  readonly jumps: readonly Jump[];
}

/** One rule of ours in a chain of others; several of a position stand in the order given. */
export interface Jump {
  readonly chain: string;
  readonly rule: Rule;
  /** Before or behind all rules of others. */
  readonly position: 'first' | 'last';
}
