import { formatRule } from './format-rule.ts';
import type { Counters } from './rule.ts';
import type { Ruleset } from './ruleset.ts';

/** Settings of `formatRestore`. */
export interface FormatOptions {
  /** Writes the counters of chains and rules, for `iptables-restore --counters`. Default: false. */
  readonly withCounters?: boolean;
}

/** A whole ruleset as text for iptables-restore; without `--noflush` it replaces the tables that it names. */
export function formatRestore({ tables }: Ruleset, { withCounters = false }: FormatOptions = {}): string {
  const lines: string[] = [];
  for (const [table, { chains }] of tables) {
    lines.push(`*${table}`);
    for (const [name, { policy, counters }] of chains)
      lines.push(`:${name} ${policy ?? '-'} ${bracketed(withCounters ? counters : undefined)}`);
    for (const [name, { rules }] of chains) {
      for (const rule of rules) {
        const prefix = withCounters && rule.counters ? `${bracketed(rule.counters)} ` : '';
        lines.push(`${prefix}-A ${name} ${formatRule(rule)}`.trimEnd());
      }
    }
    lines.push('COMMIT');
  }
  return lines.map((line) => `${line}\n`).join('');
}

function bracketed({ packets, bytes }: Counters = { packets: 0n, bytes: 0n }): string {
  return `[${packets}:${bytes}]`;
}
