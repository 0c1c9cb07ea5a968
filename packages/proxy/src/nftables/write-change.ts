/** A change of the table as one transaction in the words of nft(8). */
import type { RulesPiece } from '../rules-planner.ts';
import { type Chain, TABLE } from './own-table.ts';
import type { TableChange, TableState } from './table-state.ts';

/** What removes the table, whether or not it is there. */
export const REMOVE_TABLE = `add table ${TABLE}\ndelete table ${TABLE}\n`;

/**
 * The commands that make the change, given what is installed. The kernel keeps all of the old when a command fails, and
 * goes over to the new at once when the transaction commits: a look into a map finds what is of the one generation or of
 * the other, never a gap. Two looks of one packet may be of two generations; the chains that look twice drop then, and
 * the client's next attempt is well.
 */
export function writeChange(
  change: TableChange,
  installed: Pick<TableState, 'sets' | 'chains' | 'elements'>,
): RulesPiece {
  const lines: string[] = [change.remakes ? `${REMOVE_TABLE}add table ${TABLE}` : `add table ${TABLE}`];
  const is = change.remakes ? NOTHING : installed;
  let added = 0;
  let removed = 0;

  const sets = [...change.sets];
  const chains = [...change.chains];
  for (const [name, declaration] of sets) {
    if (declaration === undefined) continue;
    lines.push(`add ${declaration.kind} ${TABLE} ${name} { ${declaration.text} }`);
    added++;
  }
  // All chains before the first rule, as rules lead from one to another.
  for (const [name, chain] of chains)
    if (chain !== undefined && !is.chains.has(name)) lines.push(addChain(name, chain));
  for (const [name, chain] of chains) {
    const before = is.chains.get(name);
    if (before !== undefined) lines.push(`flush chain ${TABLE} ${name}`);
    for (const rule of chain?.rules ?? []) lines.push(`add rule ${TABLE} ${name} ${rule}`);
    removed += before?.rules.length ?? 0;
    added += chain?.rules.length ?? 0;
  }
  for (const [set, elements] of change.elements) {
    const there = is.elements.get(set);
    const gone = [...elements.keys()].filter((key) => there?.has(key));
    const come = [...elements].flatMap(([key, tail]) => (tail === undefined ? [] : [`${key}${tail}`]));
    // What is replaced goes and comes in one transaction, so that no packet finds its place empty.
    if (gone.length > 0) lines.push(`delete element ${TABLE} ${set} { ${gone.join(', ')} }`);
    if (come.length > 0) lines.push(`add element ${TABLE} ${set} { ${come.join(', ')} }`);
    removed += gone.length;
    added += come.length;
  }
  for (const [name, chain] of chains) if (chain === undefined) lines.push(`delete chain ${TABLE} ${name}`);
  for (const [name, declaration] of sets) {
    if (declaration !== undefined) continue;
    lines.push(`delete ${is.sets.get(name)?.startsWith('map ') ? 'map' : 'set'} ${TABLE} ${name}`);
    removed++;
  }
  return { text: `${lines.join('\n')}\n`, added, removed };
}

const NOTHING: Pick<TableState, 'sets' | 'chains' | 'elements'> = {
  sets: new Map<string, string>(),
  chains: new Map<string, Chain>(),
  elements: new Map<string, Map<string, string>>(),
};

function addChain(name: string, { hook }: Chain): string {
  if (hook === '') return `add chain ${TABLE} ${name}`;
  const [type, at, priority] = hook.split(' ');
  return `add chain ${TABLE} ${name} { type ${type} hook ${at} priority ${priority}; policy accept; }`;
}
