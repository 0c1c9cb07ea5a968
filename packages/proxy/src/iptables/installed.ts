/** What is installed of ours, as text: chains of others appear only where they call one of ours. */
import type { ChainPlace } from '../rules-planner.ts';
import type { TableName } from './own-chains.ts';

/** A chain whose rules stand in any order, but for the last ones. */
export interface DispatchChain {
  /** How often each rule is there: more than once only when somebody else added it. */
  readonly rules: Map<string, number>;
  /** What must stand last does. */
  isEndRight: boolean;
}

export interface InstalledTable {
  /** Our chains but the dispatch chains, each with all rules as iptables-save prints them. */
  readonly chains: Map<string, string>;
  readonly dispatch: Map<string, DispatchChain>;
  /** Rules of the kernel's own chains that call ours. */
  jumps: readonly Jump[];
  /** Chains of ours that chains of others call. */
  readonly calledByOthers: ReadonlySet<string>;
}

export interface Jump {
  readonly chain: string;
  readonly rule: string;
  readonly target: string;
}

export type Installed = Readonly<Record<TableName, InstalledTable>>;

/** A dispatch chain from its text as iptables-save prints it, and the rules that must stand last. */
export function dispatchOf(chain: string, text: string, end: readonly string[]): DispatchChain {
  const start = `-A ${chain} `.length;
  const inOrder = text.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(start)]));
  const rules = new Map<string, number>();
  for (const rule of inOrder) rules.set(rule, (rules.get(rule) ?? 0) + 1);
  const isEndRight = end.every(
    (rule, at) => inOrder[inOrder.length - end.length + at] === rule && rules.get(rule) === 1,
  );
  return { rules, isEndRight };
}

/** Whether a chain can be emptied, but not removed: others call it. */
export function isHeld({ jumps, calledByOthers }: InstalledTable, chain: string): boolean {
  return calledByOthers.has(chain) || jumps.some(({ target }) => target === chain);
}

/** Whether all chains of ours are the same; who else calls them does not count. */
export function isSame(a: Installed, b: Installed): boolean {
  return isSameTable(a.nat, b.nat) && isSameTable(a.filter, b.filter);
}

/**
 * The same, sharing text with what was believed where it is equal and owning the rest: a part of a listing would keep
 * the whole of it in memory.
 */
export function adopt(read: Installed, believed: Installed | undefined): Installed {
  return { nat: adoptTable(read.nat, believed?.nat), filter: adoptTable(read.filter, believed?.filter) };
}

/** What is believed, with these chains as they were read. */
export function withChains(believed: Installed, read: Installed, chains: readonly ChainPlace[]): Installed {
  const replaced = (table: TableName): InstalledTable => {
    const all = {
      ...believed[table],
      chains: new Map(believed[table].chains),
      dispatch: new Map(believed[table].dispatch),
    };
    for (const place of chains) {
      if (place.table !== table) continue;
      put(all.chains, place.chain, read[table].chains.get(place.chain));
      put(all.dispatch, place.chain, read[table].dispatch.get(place.chain));
    }
    return all;
  };
  return { nat: replaced('nat'), filter: replaced('filter') };
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** Who else calls us, as of a newer reading. */
export function withCalls(believed: Installed, read: Installed): Installed {
  return {
    nat: { ...believed.nat, ...callsOf(read.nat) },
    filter: { ...believed.filter, ...callsOf(read.filter) },
  };
}

function callsOf({ jumps, calledByOthers }: InstalledTable): Pick<InstalledTable, 'jumps' | 'calledByOthers'> {
  return {
    jumps: jumps.map(({ chain, rule, target }) => ({ chain: own(chain), rule: own(rule), target: own(target) })),
    calledByOthers: new Set([...calledByOthers].map(own)),
  };
}

function isSameTable(a: InstalledTable, b: InstalledTable): boolean {
  if (a.chains.size !== b.chains.size || a.dispatch.size !== b.dispatch.size) return false;
  for (const [chain, text] of a.chains) if (b.chains.get(chain) !== text) return false;
  for (const [chain, { rules, isEndRight }] of a.dispatch) {
    const other = b.dispatch.get(chain);
    if (other === undefined || other.isEndRight !== isEndRight || other.rules.size !== rules.size) return false;
    for (const [rule, count] of rules) if (other.rules.get(rule) !== count) return false;
  }
  return true;
}

function adoptTable(read: InstalledTable, believed: InstalledTable | undefined): InstalledTable {
  const chains = new Map<string, string>();
  for (const [chain, text] of read.chains) {
    const known = believed?.chains.get(chain);
    chains.set(own(chain), known === text ? known : own(text));
  }
  const dispatch = new Map<string, DispatchChain>();
  for (const [chain, { rules, isEndRight }] of read.dispatch)
    dispatch.set(chain, { rules: new Map([...rules].map(([rule, count]) => [own(rule), count])), isEndRight });
  return { chains, dispatch, ...callsOf(read) };
}

/** A copy: engines let parts of a string share the memory of the whole. */
function own(part: string): string {
  return JSON.parse(JSON.stringify(part));
}
