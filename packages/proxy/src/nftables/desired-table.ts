/** What the table should have for the ports of the moment, kept up to date port by port. */
import type { ProxiedPort, ProxyNode } from '../proxied-port.ts';
import { type Element, type Forwarding, forwardPort } from './forward-port.ts';
import { type Chain, CLIENTS, type Declaration, OWN_SETS, ownChains } from './own-table.ts';
import { childOf } from './table-state.ts';

/** Names of parts: of what is no more to be there it is not known without a look whether it is installed. */
export interface Names {
  readonly sets: Set<string>;
  readonly chains: Set<string>;
  readonly elements: Map<string, Map<string, true>>;
}

export class DesiredTable {
  readonly sets = new Map<string, Declaration>(Object.entries(OWN_SETS));
  readonly chains: Map<string, Chain>;
  /** Those of the chains that are there without any port. */
  readonly ownChains: ReadonlyMap<string, Chain>;
  readonly elements = new Map<string, Map<string, string>>();

  readonly #node: ProxyNode;
  /** How many ports want what several share. */
  readonly #uses = new Map<string, number>();
  #ports: ReadonlyMap<string, ProxiedPort> = new Map();
  readonly #forwardings = new Map<ProxiedPort, Forwarding>();

  constructor(node: ProxyNode) {
    this.#node = node;
    this.ownChains = ownChains(node);
    this.chains = new Map(this.ownChains);
  }

  get ports(): ReadonlyMap<string, ProxiedPort> {
    return this.#ports;
  }

  /** What is there for a port. */
  forwardingOf(port: ProxiedPort): Forwarding {
    const known = this.#forwardings.get(port) ?? forwardPort(port, this.#node);
    this.#forwardings.set(port, known);
    return known;
  }

  /** Says that one plan is made: what was put together for it takes more room than the rest. */
  forgetForwardings(): void {
    this.#forwardings.clear();
  }

  /**
   * Takes the ports as they are now; notes those that are new or not the same object, and the names of what ports
   * asked for that are no more as they were.
   */
  update(
    ports: ReadonlyMap<string, ProxiedPort>,
    changed: { readonly ports: Set<string>; readonly touched: Names },
  ): void {
    if (ports === this.#ports) return;
    const before = this.#ports;
    this.#ports = ports;
    // First all that goes: an address may have moved from one port to another.
    for (const [key, port] of before) {
      if (ports.get(key) !== port) this.#withdraw(this.forwardingOf(port), changed.touched);
    }
    for (const [key, port] of ports) {
      if (before.get(key) === port) continue;
      this.#put(this.forwardingOf(port));
      changed.ports.add(key);
    }
  }

  #put({ elements, sharedElements, chains, sharedChains, clientSets }: Forwarding): void {
    for (const element of elements) this.#putElement(element);
    for (const element of sharedElements) {
      if (this.#use(nameOf(element), 1) === 1) this.#putElement(element);
    }
    for (const [name, rules] of chains) this.chains.set(name, { hook: '', rules });
    for (const [name, rules] of sharedChains) {
      if (this.#use(name, 1) === 1) this.chains.set(name, { hook: '', rules });
    }
    for (const name of clientSets) this.sets.set(name, CLIENTS);
  }

  #withdraw(forwarding: Forwarding, touched: Names): void {
    for (const element of forwarding.elements) this.#deleteElement(element, touched);
    for (const element of forwarding.sharedElements) {
      if (this.#use(nameOf(element), -1) === 0) this.#deleteElement(element, touched);
    }
    const unused = [...forwarding.sharedChains.keys()].filter((name) => this.#use(name, -1) === 0);
    for (const name of [...forwarding.chains.keys(), ...unused]) {
      this.chains.delete(name);
      touched.chains.add(name);
    }
    for (const name of forwarding.clientSets) {
      this.sets.delete(name);
      touched.sets.add(name);
    }
  }

  #putElement({ set, key, tail }: Element): void {
    childOf(this.elements, set).set(key, tail);
  }

  #deleteElement({ set, key }: Element, touched: Names): void {
    this.elements.get(set)?.delete(key);
    childOf(touched.elements, set).set(key, true);
  }

  #use(name: string, by: 1 | -1): number {
    const uses = (this.#uses.get(name) ?? 0) + by;
    if (uses === 0) this.#uses.delete(name);
    else this.#uses.set(name, uses);
    return uses;
  }
}

function nameOf({ set, key }: Element): string {
  return `${set} ${key}`;
}
