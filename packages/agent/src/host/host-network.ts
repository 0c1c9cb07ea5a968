import {
  type Link,
  type Netlink,
  NetworkNews,
  RT_TABLE,
  readSysctl,
  readTxChecksum,
  type SysctlKey,
  setTxChecksum,
  sinkLinks,
  writeSysctl,
} from '@tenet/host';
import type { NodeNetwork } from '@tenet/pipeline';
import { guardHostEnd, missingGuard } from '../cni/pod-link.ts';
import { HOST_PORT } from '../wired-pods.ts';
import { isStrayRoute, wantedHost } from './wanted-host.ts';

/** Looked at all the same after so many passes without news, in case something changed of which the kernel tells nobody. */
const PASSES_PER_LOOK = 60;

/**
 * Keeps tun0, its address, its routes, the sysctls and the pods' links. The kernel's lists are read only when it has told
 * of a change, since they are long where there are many pods.
 */
export class HostNetwork implements Disposable {
  readonly #netlink: Netlink;
  readonly #node: NodeNetwork;
  readonly #news = NetworkNews.open();
  /** The links of pods that were found right, as one text; undefined when the kernel must be read. */
  #found: string | undefined;
  #passes = 0;

  constructor(netlink: Netlink, node: NodeNetwork) {
    this.#netlink = netlink;
    this.#node = node;
  }

  /**
   * Brings all to what it should be, from what the kernel has. Returns what it changed, in words; nothing when all was
   * so. Throws what the kernel refuses.
   */
  reconcile(podLinks: readonly string[]): string[] {
    const links = podLinks.join();
    const changed = reconcileSysctls(this.#node);
    this.#passes += 1;
    const isLook = this.#passes % PASSES_PER_LOOK === 0;
    // Taken before anything is read: what changes meanwhile is news for the next pass.
    if (!this.#news.take() && this.#found === links && !isLook) return changed;
    this.#found = undefined;
    changed.push(...reconcileKernel(this.#netlink, this.#node, podLinks));
    if (isLook) changed.push(...this.#reconcileGuards(podLinks));
    this.#found = links;
    return changed;
  }

  /** What keeps the kernel's own stack off pods' links, of which it tells nobody. */
  #reconcileGuards(podLinks: readonly string[]): string[] {
    return podLinks.flatMap((name) => {
      // One that is gone is told of otherwise.
      if (this.#netlink.link(name) === undefined) return [];
      const missing = missingGuard(this.#netlink, this.#node, name);
      if (missing === undefined) return [];
      guardHostEnd(this.#netlink, this.#node, name);
      return [missing];
    });
  }

  [Symbol.dispose](): void {
    this.#news[Symbol.dispose]();
  }
}

function reconcileSysctls(node: NodeNetwork): string[] {
  const { sysctls, leastSysctls } = wantedHost(node);
  const exact = sysctls.map(([key, value]) => setSysctl(key, value, (actual) => actual === value));
  const least = leastSysctls.map(([key, value]) => setSysctl(key, `${value}`, (actual) => Number(actual) >= value));
  return [...exact, ...least].flat();
}

function setSysctl(key: SysctlKey, value: string, isRight: (actual: string) => boolean): string[] {
  const actual = readSysctl(key);
  // A kernel without IPv6, or before its first connection is tracked, has no such key, and needs none.
  if (actual === undefined || isRight(actual)) return [];
  writeSysctl(key, value);
  return [`${key} from ${actual} to ${value}`];
}

function reconcileKernel(netlink: Netlink, node: NodeNetwork, podLinks: readonly string[]): string[] {
  const changed: string[] = [];
  const links = netlink.links();
  const tun0 = links.find(({ name }) => name === HOST_PORT);
  if (tun0 !== undefined) {
    if (node.datapath === 'netdev' && readTxChecksum(HOST_PORT)) {
      // The userspace datapath does not finish partial checksums.
      setTxChecksum(HOST_PORT, false);
      changed.push(`${HOST_PORT} transmit checksum offload off`);
    }
    changed.push(...raise(netlink, tun0, node));
  }
  if (node.datapath === 'netdev') changed.push(...sinkLinks(netlink, podLinks, links));
  const ours = new Set(podLinks);
  // The host's ends; the pod's own end is the pod's.
  for (const link of links) if (ours.has(link.name)) changed.push(...raise(netlink, link, node));
  changed.push(...reconcileAddress(netlink, node), ...reconcileRoutes(netlink, node));
  return changed;
}

function raise(netlink: Netlink, { name, up, mtu }: Link, { mtuBytes }: NodeNetwork): string[] {
  if (up && mtu === mtuBytes) return [];
  netlink.changeLink(name, { up: true, mtu: mtuBytes });
  return [`${name} up with MTU ${mtuBytes}`];
}

function reconcileAddress(netlink: Netlink, { gateway, subnet }: NodeNetwork): string[] {
  const changed: string[] = [];
  const there = netlink.addresses().filter(({ link, address }) => link === HOST_PORT && address.family === 4);
  for (const { address, prefixLength } of there) {
    if (address.equals(gateway) && prefixLength === subnet.length) continue;
    netlink.deleteAddress({ link: HOST_PORT, address, prefixLength });
    changed.push(`address ${address}/${prefixLength} removed`);
  }
  const spec = { link: HOST_PORT, address: gateway, prefixLength: subnet.length, noPrefixRoute: true };
  if (netlink.addAddress(spec)) changed.push(`address ${gateway}/${subnet.length}`);
  return changed;
}

function reconcileRoutes(netlink: Netlink, node: NodeNetwork): string[] {
  const wanted = wantedHost(node);
  const there = netlink.routes({ family: 4, table: RT_TABLE.MAIN });
  const changed: string[] = [];
  for (const route of there) {
    if (!isStrayRoute(route, wanted, RT_TABLE.MAIN)) continue;
    netlink.deleteRoute(route);
    changed.push(`route ${route.destination} removed`);
  }
  for (const destination of wanted.routes) {
    const found = there.some(
      ({ link, destination: to, scope }) => link === HOST_PORT && to.equals(destination) && scope === 'link',
    );
    if (found) continue;
    netlink.replaceRoute({ destination, link: HOST_PORT, scope: 'link' });
    changed.push(`route ${destination}`);
  }
  return changed;
}
