import { isTenetError } from '@tenet/std';
import { failNetfilter } from './errors.ts';
import { parseRule } from './parse-rule.ts';
import type { Counters, Rule } from './rule.ts';
import type { Chain, Ruleset, Table } from './ruleset.ts';

/** Settings of `parseIptablesSave`. */
export interface ParseOptions {
  /** Chains that are read without their rules, as if they had none: who keeps tens of thousands need not look at all. */
  readonly withoutRulesOf?: (chain: string) => boolean;
}

/**
 * Reads what iptables-save or ip6tables-save prints (1.4 to 1.8, legacy and nf_tables, with or without `-c`).
 * Rules keep their text; RULESET_MALFORMED names the line that is none of theirs, and refuses output that was cut.
 */
export function parseIptablesSave(text: string, { withoutRulesOf = () => false }: ParseOptions = {}): Ruleset {
  const isSkipped = remembering(withoutRulesOf);
  const tables = new Map<string, DraftTable>();
  let table: DraftTable | undefined;
  let line = 0;
  const malformed = (text: string, problem: string, cause?: unknown): never =>
    failNetfilter('RULESET_MALFORMED', { line, text, problem }, cause);

  for (const raw of text.split('\n')) {
    line++;
    const row = raw.trim();
    if (row === '' || row.startsWith('#')) continue;
    if (row.startsWith('*')) {
      const name = row.slice(1);
      if (table !== undefined) malformed(row, 'starts a table before the COMMIT of the one before');
      if (tables.has(name)) malformed(row, 'starts a table for the second time');
      table = { chains: new Map() };
      tables.set(name, table);
      continue;
    }
    if (table === undefined) malformed(row, 'stands outside a table');
    else if (row === 'COMMIT') table = undefined;
    else if (isSkipped(row)) continue;
    else readRow(table, row, malformed);
  }
  if (table !== undefined) malformed('', 'is the last and no COMMIT came before');
  return { tables };
}

/** Whether a line is a rule of a chain that is left out; a chain's rules stand together, so that it is asked once. */
function remembering(isLeftOut: (chain: string) => boolean): (row: string) => boolean {
  let last = { chain: '', isLeftOut: false };
  return (row) => {
    const at = row.startsWith('-A ') ? 0 : row.indexOf('] -A ') + 2;
    // In a comment it stands behind the `-A` of the rule.
    if (at === 1 || (at > 0 && !row.startsWith('['))) return false;
    const end = row.indexOf(' ', at + 3);
    const chain = row.slice(at + 3, end < 0 ? undefined : end);
    if (chain !== last.chain) last = { chain, isLeftOut: isLeftOut(chain) };
    return last.isLeftOut;
  };
}

interface DraftTable extends Table {
  readonly chains: Map<string, Chain & { readonly rules: Rule[] }>;
}

function readRow(
  table: DraftTable,
  row: string,
  malformed: (text: string, problem: string, cause?: unknown) => never,
): void {
  const [, chain, policy, chainCounters] = /^:(\S+) (\S+)(?: (\[\d+:\d+\]))?$/.exec(row) ?? [];
  if (chain !== undefined) {
    table.chains.set(chain, {
      ...(policy !== undefined && policy !== '-' && { policy }),
      ...countersOf(chainCounters),
      rules: [],
    });
    return;
  }
  const [, ruleCounters, name = '', text = ''] = /^(?:(\[\d+:\d+\]) )?-A (\S+)(?: (.*))?$/s.exec(row) ?? [];
  if (name === '') malformed(row, 'is neither chain, rule nor COMMIT');
  const rules = table.chains.get(name)?.rules ?? malformed(row, `adds to the undeclared chain ${name}`);
  try {
    rules.push({ ...parseRule(text), ...countersOf(ruleCounters) });
  } catch (error) {
    if (!isTenetError(error, 'RULE_MALFORMED')) throw error;
    malformed(row, error.message.slice(error.message.lastIndexOf('" ') + 2), error);
  }
}

/** `[12:3456]`: packets and bytes. */
function countersOf(text: string | undefined): { counters?: Counters } {
  const [, packets, bytes] = /^\[(\d+):(\d+)\]$/.exec(text ?? '') ?? [];
  return packets === undefined || bytes === undefined
    ? {}
    : { counters: { packets: BigInt(packets), bytes: BigInt(bytes) } };
}
