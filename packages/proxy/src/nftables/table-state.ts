/** The table `ip tenet` as it is installed, and what changes it. */
import { type Chain, type Declaration, OWN_SETS } from './own-table.ts';

export interface TableState {
  exists: boolean;
  /** It has something that we never make and that cannot be taken out alone. */
  isStrange: boolean;
  /** Kind and types by name. */
  readonly sets: Map<string, string>;
  readonly chains: Map<string, Chain>;
  /** What stands behind each key, by set; without those sets whose elements are the kernel's. */
  readonly elements: Map<string, Map<string, string>>;
}

/** What is to become of parts of the table; undefined: it goes. */
export interface TableChange {
  /** The whole table goes first. */
  readonly remakes: boolean;
  readonly sets: Map<string, Declaration | undefined>;
  readonly chains: Map<string, Chain | undefined>;
  readonly elements: Map<string, Map<string, string | undefined>>;
}

export function noTable(): TableState {
  return { exists: false, isStrange: false, sets: new Map(), chains: new Map(), elements: new Map() };
}

export function noChange(): TableChange {
  return { remakes: false, sets: new Map(), chains: new Map(), elements: new Map() };
}

/** How a listing shows a declared set. */
export function listedAs({ kind, types }: Declaration): string {
  return `${kind} ${types}`;
}

export function isSameChain(a: Chain | undefined, b: Chain | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.hook === b.hook && a.rules.length === b.rules.length && a.rules.every((rule, at) => rule === b.rules[at]);
}

export function isSameTable(a: TableState, b: TableState): boolean {
  return (
    a.exists === b.exists &&
    a.isStrange === b.isStrange &&
    isSameMap(a.sets, b.sets, Object.is) &&
    isSameMap(a.chains, b.chains, isSameChain) &&
    OWN_ELEMENTS.every((set) =>
      isSameMap(a.elements.get(set) ?? NO_ELEMENTS, b.elements.get(set) ?? NO_ELEMENTS, Object.is),
    )
  );
}

const OWN_ELEMENTS = Object.keys(OWN_SETS);
const NO_ELEMENTS: ReadonlyMap<string, string> = new Map();

/** Makes the table what it is after the change. */
export function applyChange(table: TableState, change: TableChange): void {
  if (change.remakes) {
    for (const part of [table.sets, table.chains, table.elements]) part.clear();
    table.isStrange = false;
  }
  table.exists = true;
  for (const [name, declaration] of change.sets) {
    if (declaration === undefined) table.elements.delete(name);
    put(table.sets, name, declaration && listedAs(declaration));
  }
  for (const [name, chain] of change.chains) put(table.chains, name, chain);
  for (const [set, changes] of change.elements) {
    const elements = childOf(table.elements, set);
    for (const [key, tail] of changes) put(elements, key, tail);
  }
}

/** The map under a key of a map of maps, made when there is none. */
export function childOf<V>(maps: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const found = maps.get(key) ?? new Map<string, V>();
  maps.set(key, found);
  return found;
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function isSameMap<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>, same: (a: V, b: V) => boolean): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !same(value, other)) return false;
  }
  return true;
}
