import type { Counters, Rule } from './rule.ts';

/** What iptables-save prints: tables by name, in their order. */
export interface Ruleset {
  readonly tables: ReadonlyMap<string, Table>;
}

/** Chains by name, in their order. */
export interface Table {
  readonly chains: ReadonlyMap<string, Chain>;
}

export interface Chain {
  /** What happens to packets at the end of a built-in chain; absent for a chain that a user made. */
  readonly policy?: string;
  readonly counters?: Counters;
  readonly rules: readonly Rule[];
}

/** The chains that the kernel calls, per table (iptables(8) TABLES): no user can remove them. */
export const BUILT_IN_CHAINS: ReadonlyMap<string, readonly string[]> = new Map([
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
  ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
  ['mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']],
  ['raw', ['PREROUTING', 'OUTPUT']],
  ['security', ['INPUT', 'FORWARD', 'OUTPUT']],
]);

/** True for a chain that the kernel calls. */
export function isBuiltIn(table: string, chain: string): boolean {
  return BUILT_IN_CHAINS.get(table)?.includes(chain) ?? false;
}
