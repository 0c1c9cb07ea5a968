/** What must change so that what is installed becomes what is wanted, as edits; nothing is said of what is right. */
import type { ChainRule, ChainText, Edits, TableChain } from './edits.ts';
import { type Installed, isHeld } from './installed.ts';
import { type Layout, TABLES, type TableName } from './own-chains.ts';
import type { PortRules } from './port-rules.ts';

/** The chains that hold no service: constant ones, and the ends of those that lead to services. */
export function planOwnChains(installed: Installed, own: Layout): Partial<Edits> {
  const filled: ChainText[] = [];
  const appended: ChainRule[] = [];
  const removed: ChainRule[] = [];
  for (const table of TABLES) {
    const there = installed[table];
    for (const [chain, rules] of own[table].constant) {
      const text = rules.map((rule) => `-A ${chain} ${rule}\n`).join('');
      if (there.chains.get(chain) !== text) filled.push({ table, chain, text });
    }
    for (const [chain, end] of own[table].dispatch) {
      const dispatch = there.dispatch.get(chain);
      if (dispatch === undefined) filled.push({ table, chain, text: '' });
      if (dispatch?.isEndRight ?? end.length === 0) continue;
      for (const rule of end) {
        removed.push(...times({ table, chain, rule }, dispatch?.rules.get(rule) ?? 0));
        appended.push({ table, chain, rule });
      }
    }
  }
  return { filled, appended, removed };
}

/** What a port lacks; with what it had before, what of that has to go too. */
export function planPort(installed: Installed, wanted: PortRules | undefined, before?: PortRules): Partial<Edits> {
  const filled: ChainText[] = [];
  const emptied: TableChain[] = [];
  const dropped: TableChain[] = [];
  for (const [chain, text] of wanted?.chains ?? [])
    if (installed.nat.chains.get(chain) !== text) filled.push({ table: 'nat', chain, text });
  for (const chain of before?.chains.keys() ?? []) {
    if (wanted?.chains.has(chain) || !installed.nat.chains.has(chain)) continue;
    emptied.push({ table: 'nat', chain });
    if (!isHeld(installed.nat, chain)) dropped.push({ table: 'nat', chain });
  }
  const rules = new Set(wanted?.entries.map(({ rule }) => rule));
  return {
    filled,
    added: (wanted?.entries ?? []).filter((entry) => !isInstalled(installed, entry)),
    emptied,
    removed: (before?.entries ?? []).filter((entry) => !rules.has(entry.rule) && isInstalled(installed, entry)),
    dropped,
  };
}

/** What is installed and nobody wants. */
export function planLeftovers(installed: Installed, wanted: Iterable<PortRules>, own: Layout): Partial<Edits> {
  const chains = new Set<string>();
  const entries: Record<TableName, Map<string, Set<string>>> = { nat: new Map(), filter: new Map() };
  for (const port of wanted) {
    for (const chain of port.chains.keys()) chains.add(chain);
    for (const { table, chain, rule } of port.entries) {
      const rules = entries[table].get(chain);
      if (rules === undefined) entries[table].set(chain, new Set([rule]));
      else rules.add(rule);
    }
  }
  const removed: ChainRule[] = [];
  for (const table of TABLES) {
    for (const [chain, dispatch] of installed[table].dispatch) {
      const end = own[table].dispatch.get(chain) ?? [];
      for (const [rule, count] of dispatch.rules) {
        if (end.includes(rule)) continue;
        const surplus = count - (entries[table].get(chain)?.has(rule) === true ? 1 : 0);
        removed.push(...times({ table, chain, rule }, surplus));
      }
    }
  }
  const unwanted = [...installed.nat.chains].filter(([chain]) => !chains.has(chain) && !own.nat.constant.has(chain));
  const at = (chain: string): TableChain => ({ table: 'nat', chain });
  return {
    removed,
    emptied: unwanted.flatMap(([chain, text]) => (text === '' ? [] : [at(chain)])),
    dropped: unwanted.flatMap(([chain]) => (isHeld(installed.nat, chain) ? [] : [at(chain)])),
  };
}

function isInstalled(installed: Installed, { table, chain, rule }: ChainRule): boolean {
  return installed[table].dispatch.get(chain)?.rules.has(rule) ?? false;
}

function times(rule: ChainRule, count: number): readonly ChainRule[] {
  return Array.from({ length: count }, () => rule);
}
