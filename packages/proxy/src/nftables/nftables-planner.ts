/**
 * The back end that keeps services as data: constant chains look them up in maps, so that neither a packet's cost nor
 * the number of chains grows with services. The table `ip tenet` is all ours; nothing outside of it is touched.
 */
import type { ProxiedPort, ProxyNode } from '../proxied-port.ts';
import type { RulesPiece, RulesPlanner } from '../rules-planner.ts';
import { DesiredTable, type Names } from './desired-table.ts';
import { planChange } from './plan-change.ts';
import { readListing } from './read-listing.ts';
import { applyChange, isSameTable, noTable, type TableChange, type TableState } from './table-state.ts';
import { REMOVE_TABLE, writeChange } from './write-change.ts';

interface Pending {
  readonly piece: RulesPiece;
  /** Undefined: the table goes. */
  readonly change: TableChange | undefined;
}

export class NftablesPlanner implements RulesPlanner {
  readonly #desired: DesiredTable;
  #installed: TableState | undefined;
  #pending: Pending[] = [];
  /** Whether anything may differ, not only what ports ask for that have changed. */
  #isSuspect = true;
  readonly #changedPorts = new Set<string>();
  readonly #touched: Names = { sets: new Set(), chains: new Set(), elements: new Map() };

  constructor({ node }: { readonly node: ProxyNode }) {
    this.#desired = new DesiredTable(node);
  }

  get isKnown(): boolean {
    return this.#installed !== undefined;
  }

  /** Takes what `nft -j list table ip tenet` prints. LISTING_MALFORMED for text that is no listing of this table. */
  observe(installed: string): boolean {
    const seen = readListing(installed);
    const isBelieved = this.#installed !== undefined && isSameTable(this.#installed, seen);
    if (!isBelieved) {
      this.#installed = seen;
      this.#isSuspect = true;
    }
    this.#pending = [];
    return isBelieved;
  }

  plan(ports: ReadonlyMap<string, ProxiedPort>): readonly RulesPiece[] {
    const installed = this.#installed;
    if (installed === undefined) throw new RangeError('what is installed is not known: observe() it first');
    this.#desired.update(ports, { ports: this.#changedPorts, touched: this.#touched });
    const suspects = { isAll: this.#isSuspect, ports: this.#changedPorts, touched: this.#touched };
    const changes = planChange(this.#desired, installed, suspects);
    this.#desired.forgetForwardings();
    this.#pending = changes.map((change) => ({ change, piece: writeChange(change, installed) }));
    if (this.#pending.length === 0) this.#trust();
    return this.#pending.map(({ piece }) => piece);
  }

  /** What removes the table; undefined when there is none. To be applied alone. */
  planRemoval(): RulesPiece | undefined {
    if (this.#installed?.exists === false) return undefined;
    const { sets, chains, elements } = this.#installed ?? noTable();
    let removed = sets.size;
    for (const { rules } of chains.values()) removed += rules.length;
    for (const { size } of elements.values()) removed += size;
    const piece = { text: REMOVE_TABLE, added: 0, removed };
    this.#pending = [{ change: undefined, piece }];
    return piece;
  }

  /** RangeError for another piece than the next one. */
  applied(piece: RulesPiece): void {
    const [next] = this.#pending;
    if (next?.piece !== piece) throw new RangeError('this is not the next piece of the last plan');
    this.#pending.shift();
    if (next.change === undefined) {
      this.#installed = noTable();
      this.#isSuspect = true;
      return;
    }
    if (this.#installed !== undefined) applyChange(this.#installed, next.change);
    if (this.#pending.length === 0) this.#trust();
  }

  failed(): void {
    this.#installed = undefined;
    this.#pending = [];
    this.#isSuspect = true;
  }

  /** What is installed is what the last plan wanted. */
  #trust(): void {
    this.#isSuspect = false;
    this.#changedPorts.clear();
    for (const names of [this.#touched.sets, this.#touched.chains, this.#touched.elements]) names.clear();
  }
}
