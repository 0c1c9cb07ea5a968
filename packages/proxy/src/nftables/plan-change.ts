/** What must change in a table, as transactions that each leave every service whole. */
import type { DesiredTable, Names } from './desired-table.ts';
import { OWN_SETS } from './own-table.ts';
import { childOf, isSameChain, listedAs, noChange, type TableChange, type TableState } from './table-state.ts';

/** What may differ: everything, or what these ports ask for and what has these names. */
export interface Suspects {
  readonly isAll: boolean;
  readonly ports: ReadonlySet<string>;
  readonly touched: Names;
}

/** A transaction of more changes is made two, so that another writer of rules never waits long. */
const PIECE_CHANGES = 5000;

/**
 * The changes that lead from what is installed to what is desired, in order: first what all services use, then the
 * ports one by one, and at last what nobody wants any more. Few are one change.
 */
export function planChange(desired: DesiredTable, installed: TableState, suspects: Suspects): readonly TableChange[] {
  if (suspects.isAll && cannotStay(desired, installed)) return [everything(desired)];
  const pieces = new Pieces();
  if (suspects.isAll) pieces.add(base(desired, installed));
  const shared = new Set<string>();
  for (const key of suspects.isAll ? desired.ports.keys() : suspects.ports)
    pieces.add(portChange(key, { desired, installed, shared }));
  for (const stray of strays(desired, installed, suspects)) pieces.add(stray);
  return pieces.all();
}

/** A set's type and a chain's hook stay what they were made with; nor can we take out what we do not know. */
function cannotStay({ sets, chains }: DesiredTable, installed: TableState): boolean {
  if (installed.isStrange) return true;
  for (const [name, types] of installed.sets) {
    const declaration = sets.get(name);
    if (declaration !== undefined && listedAs(declaration) !== types) return true;
  }
  for (const [name, { hook }] of installed.chains) if ((chains.get(name)?.hook ?? hook) !== hook) return true;
  return false;
}

/** In one transaction, however large: no connection may find the table half made. */
function everything({ sets, chains, elements }: DesiredTable): TableChange {
  return { remakes: true, sets, chains, elements };
}

function base(desired: DesiredTable, installed: TableState): TableChange {
  const change = noChange();
  for (const [name, declaration] of Object.entries(OWN_SETS))
    if (!installed.sets.has(name)) change.sets.set(name, declaration);
  for (const [name, chain] of desired.ownChains)
    if (!isSameChain(chain, installed.chains.get(name))) change.chains.set(name, chain);
  return change;
}

/** All that a port asks for and that is not there; `shared` is what ports before it have asked for already. */
function portChange(
  key: string,
  {
    desired,
    installed,
    shared,
  }: { readonly desired: DesiredTable; readonly installed: TableState; readonly shared: Set<string> },
): TableChange {
  const change = noChange();
  const port = desired.ports.get(key);
  if (port === undefined) return change;
  const { elements, sharedElements, chains, sharedChains, clientSets } = desired.forwardingOf(port);
  const isFirst = (name: string): boolean => !shared.has(name) && shared.add(name).size > 0;
  for (const name of clientSets) if (!installed.sets.has(name)) change.sets.set(name, desired.sets.get(name));
  for (const name of [...chains.keys(), ...sharedChains.keys()]) {
    const chain = desired.chains.get(name);
    if (!isSameChain(chain, installed.chains.get(name)) && isFirst(name)) change.chains.set(name, chain);
  }
  for (const { set, key: element, tail } of elements)
    if (installed.elements.get(set)?.get(element) !== tail) childOf(change.elements, set).set(element, tail);
  for (const { set, key: element, tail } of sharedElements)
    if (installed.elements.get(set)?.get(element) !== tail && isFirst(`${set} ${element}`))
      childOf(change.elements, set).set(element, tail);
  return change;
}

/** What is installed and not desired; what leads somewhere goes before that to which it leads. */
function* strays(desired: DesiredTable, installed: TableState, { isAll, touched }: Suspects): Generator<TableChange> {
  for (const set of Object.keys(OWN_SETS).reverse()) {
    const there = installed.elements.get(set);
    const wanted = desired.elements.get(set);
    for (const key of (isAll ? there : touched.elements.get(set))?.keys() ?? []) {
      if (wanted?.has(key) || !there?.has(key)) continue;
      const change = noChange();
      childOf(change.elements, set).set(key, undefined);
      yield change;
    }
  }
  const rest = noChange();
  for (const name of isAll ? installed.chains.keys() : touched.chains)
    if (!desired.chains.has(name) && installed.chains.has(name)) rest.chains.set(name, undefined);
  for (const name of isAll ? installed.sets.keys() : touched.sets)
    if (!desired.sets.has(name) && installed.sets.has(name)) rest.sets.set(name, undefined);
  yield rest;
}

/** Gathers changes into as few as may be. */
class Pieces {
  readonly #pieces: TableChange[] = [];
  #last = noChange();
  #weight = 0;

  add(change: TableChange): void {
    const weight = weightOf(change);
    if (weight === 0) return;
    if (this.#weight > 0 && this.#weight + weight > PIECE_CHANGES) this.#cut();
    for (const [name, declaration] of change.sets) this.#last.sets.set(name, declaration);
    for (const [name, chain] of change.chains) this.#last.chains.set(name, chain);
    for (const [set, changes] of change.elements) {
      const elements = childOf(this.#last.elements, set);
      for (const [key, tail] of changes) elements.set(key, tail);
    }
    this.#weight += weight;
  }

  all(): readonly TableChange[] {
    if (this.#weight > 0) this.#cut();
    return this.#pieces;
  }

  #cut(): void {
    this.#pieces.push(this.#last);
    this.#last = noChange();
    this.#weight = 0;
  }
}

function weightOf({ sets, chains, elements }: TableChange): number {
  let weight = sets.size;
  for (const chain of chains.values()) weight += 1 + (chain?.rules.length ?? 0);
  for (const changes of elements.values()) weight += changes.size;
  return weight;
}
