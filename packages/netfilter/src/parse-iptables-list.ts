import { isTenetError } from '@tenet/std';
import { failNetfilter } from './errors.ts';
import { parseIptablesSave } from './parse-iptables-save.ts';
import type { Table } from './ruleset.ts';

/**
 * Reads what `iptables -v -S` prints of a table, or of one chain of it: policies (`-P`), chains (`-N`) and rules (`-A`),
 * with counters as `-c PACKETS BYTES` behind what a rule matches. RULESET_MALFORMED for a line that is none of these.
 */
export function parseIptablesList(table: string, text: string): Table {
  const lines = saveLines(text);
  try {
    return parseIptablesSave(`*${table}\n${lines.join('\n')}\nCOMMIT\n`).tables.get(table) ?? { chains: new Map() };
  } catch (error) {
    // The line numbers of a text that nobody has seen would mislead.
    if (!isTenetError(error, 'RULESET_MALFORMED')) throw error;
    const { line, problem } = error.facts;
    const at = Number(line) - 2;
    return failNetfilter('RULESET_MALFORMED', {
      line: at + 1,
      text: text.split('\n')[at] ?? '',
      problem: `${problem}`,
    });
  }
}

/** The same lines as iptables-save writes them between the name of the table and COMMIT; empty where there is a note. */
export function saveLines(text: string): string[] {
  return text.split('\n').map((line, at) => saveLine(line, at + 1));
}

function saveLine(line: string, number: number): string {
  const row = line.trim();
  if (row === '' || row.startsWith('#')) return '';
  const [, chain, policy = '-', packets = 0, bytes = 0] =
    /^-(?:P (?=\S+ \S)|N (?=\S+$))(\S+)(?: (\S+))?(?: -c (\d+) (\d+))?$/.exec(row) ?? [];
  if (chain !== undefined) return `:${chain} ${policy} [${packets}:${bytes}]`;
  if (!row.startsWith('-A '))
    return failNetfilter('RULESET_MALFORMED', {
      line: number,
      text: row,
      problem: 'is neither policy, chain nor rule',
    });
  return withCountersFirst(row);
}

/** Counters stand before the target, and a comment may look like them: the last ones outside of quotes are meant. */
function withCountersFirst(row: string): string {
  const [, before = row, packets, bytes, after = ''] = /^(.*) -c (\d+) (\d+)((?: [^"]*)?)$/.exec(row) ?? [];
  const quotes = before.replaceAll(/\\./g, '').split('"').length - 1;
  return packets === undefined || quotes % 2 === 1 ? row : `[${packets}:${bytes}] ${before}${after}`;
}
