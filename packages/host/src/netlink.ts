import { closeSync } from 'node:fs';
import type { Family, Ip, Mac } from '@tenet/std';
import { failHost, refusedWith } from './errors.ts';
import { openNamespace } from './namespace/in-namespace.ts';
import { NETLINK, NLM_F, RTM } from './netlink/constants.ts';
import { NetlinkSocket } from './netlink/socket.ts';
import { type Address, type AddressSpec, decodeAddress, encodeAddress, ifaddrmsg } from './route/addresses.ts';
import {
  decodeLink,
  encodeBridgePort,
  encodeLinkChange,
  encodeLinkIndexQuery,
  encodeLinkQuery,
  encodeNewLink,
  encodeVeth,
  ifinfomsg,
  type Link,
  type LinkAttributes,
} from './route/links.ts';
import {
  decodeNeighbour,
  encodeNeighbour,
  encodeNeighbourKey,
  encodeNeighbourQuery,
  encodeNeighbourUse,
  type Neighbour,
  type NeighbourKey,
  type NeighbourSpec,
} from './route/neighbours.ts';
import {
  decodeRoute,
  encodeRoute,
  encodeRouteDeletion,
  encodeRouteLookup,
  encodeRouteQuery,
  type Route,
  type RouteFilter,
  type RouteSpec,
} from './route/routes.ts';
import { decodeRule, encodeRule, encodeRuleQuery, type Rule } from './route/rules.ts';
import { inWords } from './words.ts';

/** One end of a new veth. */
export interface VethEnd {
  /** At most 15 bytes. */
  readonly name: string;
  /** In bytes; the kernel's 1500 when left out. */
  readonly mtu?: number;
  /** Random when left out. */
  readonly mac?: Mac;
}

/** A new veth: its first end is born in the socket's namespace, its peer in another one if that is given. */
export interface VethSpec extends VethEnd {
  readonly peer: VethEnd & {
    /** The path of its namespace. */
    readonly namespace?: string;
  };
}

/** What to change of a link; what is left out stays. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: Mac;
  /** A new name. */
  readonly name?: string;
  /** The name of the bridge to become a port of; null to leave it. */
  readonly master?: string | null;
  /** The path of the namespace to move it to. */
  readonly namespace?: string;
}

/**
 * Links, addresses, routes, rules and neighbours of one network namespace (rtnetlink(7)). Every call is one or two
 * round trips of up to 0.1 ms and is done when it returns. Links are given by name. What is wanted and already so, or
 * unwanted and already gone, is an answer of `false`; everything else that the kernel refuses is KERNEL_REFUSED, with
 * its own sentence.
 */
export class Netlink implements Disposable {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Opens a socket in the namespace at this path, or in the one that the caller is in. */
  static open(namespacePath?: string): Netlink {
    return new Netlink(NetlinkSocket.open(NETLINK.ROUTE, namespacePath));
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  links(): Link[] {
    const request = { operation: 'list the links', type: RTM.GETLINK, body: encodeLinkQuery() };
    return this.#socket.dump(request).map(({ body }) => decodeLink(body));
  }

  link(name: string): Link | undefined {
    try {
      const request = { operation: `read the link ${name}`, type: RTM.GETLINK, body: encodeLinkQuery(name) };
      return decodeLink(this.#socket.get(request).body);
    } catch (error) {
      if (refusedWith(error, 'ENODEV')) return undefined;
      throw error;
    }
  }

  /** Makes both ends of a veth in one request. */
  addVeth({ peer: { namespace, ...peer }, ...link }: VethSpec): void {
    const operation = `add the veth ${inWords(link)} with the peer ${inWords({ ...peer, namespace })}`;
    withNamespace(namespace, (fd) =>
      this.#create(operation, RTM.NEWLINK, encodeVeth(link, { ...peer, ...(fd !== undefined && { namespaceFd: fd }) })),
    );
  }

  addBridge(name: string, settings: { readonly mac?: Mac } = {}): void {
    this.#create(`add the bridge ${name}`, RTM.NEWLINK, encodeNewLink('bridge', { name, ...settings }));
  }

  addDummy(name: string): void {
    this.#create(`add the dummy link ${name}`, RTM.NEWLINK, encodeNewLink('dummy', { name }));
  }

  /** Makes all of these changes to a link; LINK_NOT_FOUND when it or its new master is not there. */
  changeLink(name: string, change: LinkChange): void {
    const { master, namespace, ...plain } = change;
    const operation = `change the link ${name} (${inWords(change)})`;
    const index = this.#indexOf(name, operation);
    const masterIndex = master && this.#indexOf(master, operation);
    withNamespace(namespace, (namespaceFd) => {
      const attributes: LinkAttributes = {
        ...(master !== undefined && { master: masterIndex || 0 }),
        ...(namespaceFd !== undefined && { namespaceFd }),
      };
      this.#socket.change({ operation, type: RTM.SETLINK, body: encodeLinkChange(index, { ...plain, ...attributes }) });
    });
  }

  /** Makes a bridge treat frames to the reserved MACs (IEEE 802.1D §7.12.6) that come in on this port as the mask says. */
  setGroupForwardMask(name: string, mask: number): void {
    const operation = `set the group forward mask of the bridge port ${name} to 0x${mask.toString(16)}`;
    const body = encodeBridgePort(this.#indexOf(name, operation), mask);
    this.#socket.change({ operation, type: RTM.NEWLINK, body });
  }

  /** Deletes a link; of a veth this deletes both ends. False when it was not there. */
  deleteLink(name: string): boolean {
    const link = this.link(name);
    if (link === undefined) return false;
    const body = [ifinfomsg.write({ index: link.index })];
    return this.#unless(['ENODEV'], { operation: `delete the link ${name}`, type: RTM.DELLINK, body });
  }

  addresses(): Address[] {
    const request = { operation: 'list the addresses', type: RTM.GETADDR, body: [ifaddrmsg.write({})] };
    const found = this.#socket.dump(request).flatMap(({ body }) => decodeAddress(body) ?? []);
    const nameOf = this.#names();
    return found.map((address) => ({ link: nameOf(address.linkIndex), ...address }));
  }

  /** Puts an address on a link; false when it was there with this prefix length. */
  addAddress(spec: AddressSpec): boolean {
    const operation = `add the address ${inWords(spec)}`;
    const body = encodeAddress(this.#indexOf(spec.link, operation), spec);
    return this.#unless(['EEXIST'], { operation, type: RTM.NEWADDR, flags: NLM_F.CREATE | NLM_F.EXCL, body });
  }

  /** Takes an address off a link; false when it was not there. */
  deleteAddress(spec: AddressSpec): boolean {
    const link = this.link(spec.link);
    if (link === undefined) return false;
    const operation = `delete the address ${inWords(spec)}`;
    return this.#unless(['EADDRNOTAVAIL'], { operation, type: RTM.DELADDR, body: encodeAddress(link.index, spec) });
  }

  /** The routes of all tables of both families, or of some. */
  routes({ family, table }: RouteFilter = {}): Route[] {
    const families: readonly Family[] = family === undefined ? [4, 6] : [family];
    const found = families.flatMap((each) => this.#routesOf(each, table));
    const nameOf = this.#names();
    return found.map((body) => decodeRoute(body, nameOf));
  }

  /** Makes a route, in place of the one to the same destination with the same metric in the same table. */
  replaceRoute(route: RouteSpec): void {
    const operation = `replace the route ${inWords(route)}`;
    const body = encodeRoute(route, route.link === undefined ? undefined : this.#indexOf(route.link, operation));
    this.#socket.change({ operation, type: RTM.NEWROUTE, flags: NLM_F.CREATE | NLM_F.REPLACE, body });
  }

  /** Deletes the first route that has all that is given; false when there was none. */
  deleteRoute(route: RouteSpec): boolean {
    const link = route.link === undefined ? undefined : this.link(route.link);
    if (route.link !== undefined && link === undefined) return false;
    const operation = `delete the route ${inWords(route)}`;
    return this.#unless(['ESRCH'], { operation, type: RTM.DELROUTE, body: encodeRouteDeletion(route, link?.index) });
  }

  /** The route that a packet of the node to this address takes; KERNEL_REFUSED with ENETUNREACH when there is none. */
  routeTo(ip: Ip): Route {
    const operation = `find the route to ${ip}`;
    const { body } = this.#socket.get({ operation, type: RTM.GETROUTE, body: encodeRouteLookup(ip) });
    return decodeRoute(body, (index) => this.#nameOf(index, operation));
  }

  rules(): Rule[] {
    return ([4, 6] as const).flatMap((family) => {
      const request = { operation: 'list the routing rules', type: RTM.GETRULE, body: encodeRuleQuery(family) };
      return this.#socket.dump(request).map(({ body }) => decodeRule(body));
    });
  }

  /** Adds a routing rule; false when the very same one was there. */
  addRule(rule: Rule): boolean {
    const operation = `add the routing rule ${inWords(rule)}`;
    const flags = NLM_F.CREATE | NLM_F.EXCL;
    return this.#unless(['EEXIST'], { operation, type: RTM.NEWRULE, flags, body: encodeRule(rule) });
  }

  /** Deletes a routing rule; false when it was not there. */
  deleteRule(rule: Rule): boolean {
    const operation = `delete the routing rule ${inWords(rule)}`;
    return this.#unless(['ENOENT'], { operation, type: RTM.DELRULE, body: encodeRule(rule) });
  }

  neighbours(): Neighbour[] {
    const request = { operation: 'list the neighbours', type: RTM.GETNEIGH, body: encodeNeighbourQuery() };
    const found = this.#socket.dump(request).flatMap(({ body }) => decodeNeighbour(body) ?? []);
    const nameOf = this.#names();
    return found.map((neighbour) => ({ link: nameOf(neighbour.linkIndex), ...neighbour }));
  }

  /** Writes a neighbour, in place of what is known of this address. */
  setNeighbour(spec: NeighbourSpec): void {
    const operation = `set the neighbour ${inWords(spec)}`;
    const body = encodeNeighbour(this.#indexOf(spec.link, operation), spec);
    this.#socket.change({ operation, type: RTM.NEWNEIGH, flags: NLM_F.CREATE | NLM_F.REPLACE, body });
  }

  /** Makes the kernel ask for the MAC of an address; the answer appears in `neighbours()`. */
  resolveNeighbour({ link, address }: NeighbourKey): void {
    const operation = `resolve the neighbour ${address} on ${link}`;
    const body = encodeNeighbourUse(this.#indexOf(link, operation), address);
    this.#socket.change({ operation, type: RTM.NEWNEIGH, flags: NLM_F.CREATE, body });
  }

  /** Forgets a neighbour; false when it was not known. */
  deleteNeighbour({ link, address }: NeighbourKey): boolean {
    const found = this.link(link);
    if (found === undefined) return false;
    const operation = `delete the neighbour ${address} on ${link}`;
    return this.#unless(['ENOENT'], { operation, type: RTM.DELNEIGH, body: encodeNeighbourKey(found.index, address) });
  }

  #create(operation: string, type: number, body: readonly Uint8Array[]): void {
    this.#socket.change({ operation, type, flags: NLM_F.CREATE | NLM_F.EXCL, body });
  }

  /** Makes a change; false when the kernel refused it with one of these, which say that it is so already. */
  #unless(errnos: readonly string[], request: Parameters<NetlinkSocket['change']>[0]): boolean {
    try {
      this.#socket.change(request);
      return true;
    } catch (error) {
      if (refusedWith(error, ...errnos)) return false;
      throw error;
    }
  }

  /** A table that was never used has no routes: the kernel says ENOENT when strictly asked for it. */
  #routesOf(family: Family, table: number | undefined): Uint8Array[] {
    try {
      const request = { operation: 'list the routes', type: RTM.GETROUTE, body: encodeRouteQuery(family, table) };
      return this.#socket.dump(request).map(({ body }) => body);
    } catch (error) {
      if (table !== undefined && refusedWith(error, 'ENOENT')) return [];
      throw error;
    }
  }

  #indexOf(name: string, operation: string): number {
    return (this.link(name) ?? failHost('LINK_NOT_FOUND', { link: name, operation })).index;
  }

  #nameOf(index: number, operation: string): string {
    return decodeLink(this.#socket.get({ operation, type: RTM.GETLINK, body: encodeLinkIndexQuery(index) }).body).name;
  }

  /** Asks for each name once: what is listed is on few links. One that went away meanwhile keeps its number for a name. */
  #names(): (index: number) => string {
    const names = new Map<number, string>();
    return (index) => {
      const name = names.get(index) ?? this.#nameOrNumber(index);
      names.set(index, name);
      return name;
    };
  }

  #nameOrNumber(index: number): string {
    try {
      return this.#nameOf(index, `read the name of link ${index}`);
    } catch (error) {
      if (refusedWith(error, 'ENODEV')) return `if${index}`;
      throw error;
    }
  }
}

/** Runs a function with the namespace at this path open, if there is a path. */
function withNamespace(path: string | undefined, run: (fd: number | undefined) => void): void {
  const fd = path === undefined ? undefined : openNamespace(path);
  try {
    run(fd);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
