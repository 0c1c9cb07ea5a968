import { type Netlink, RT_TABLE, readSysctl, readTxChecksum, setTxChecksum, sinkLinks, writeSysctl } from '@tenet/host';
import type { NodeNetwork } from '@tenet/pipeline';
import { HOST_PORT } from '../wired-pods.ts';
import { isStrayRoute, wantedHost } from './wanted-host.ts';

/**
 * Brings tun0, its address, its routes, the sysctls and the pods' links to what they should be, from what the kernel has. Returns
 * what it changed, in words; nothing when all was so. Throws what the kernel refuses.
 */
export function reconcileHostNetwork(netlink: Netlink, node: NodeNetwork, podLinks: readonly string[]): string[] {
  const wanted = wantedHost(node);
  const changed: string[] = [];
  for (const [key, value] of wanted.sysctls) {
    const actual = readSysctl(key);
    // A kernel without IPv6 has no such key, and needs none.
    if (actual === undefined || actual === value) continue;
    writeSysctl(key, value);
    changed.push(`${key} from ${actual} to ${value}`);
  }
  if (node.datapath === 'netdev' && readTxChecksum(HOST_PORT)) {
    // The userspace datapath does not finish partial checksums.
    setTxChecksum(HOST_PORT, false);
    changed.push(`${HOST_PORT} transmit checksum offload off`);
  }
  if (node.datapath === 'netdev') changed.push(...sinkLinks(netlink, podLinks));
  const link = netlink.link(HOST_PORT);
  if (link !== undefined && (!link.up || link.mtu !== wanted.mtuBytes)) {
    netlink.changeLink(HOST_PORT, { up: true, mtu: wanted.mtuBytes });
    changed.push(`${HOST_PORT} up with MTU ${wanted.mtuBytes}`);
  }
  changed.push(...reconcilePodLinks(netlink, node, podLinks));
  changed.push(...reconcileAddress(netlink, node), ...reconcileRoutes(netlink, node));
  return changed;
}

/** The host's ends; the pod's own end is the pod's. */
function reconcilePodLinks(netlink: Netlink, { mtuBytes }: NodeNetwork, names: readonly string[]): string[] {
  const ours = new Set(names);
  const changed: string[] = [];
  for (const { name, up, mtu } of names.length === 0 ? [] : netlink.links()) {
    if (!ours.has(name) || (up && mtu === mtuBytes)) continue;
    netlink.changeLink(name, { up: true, mtu: mtuBytes });
    changed.push(`${name} up with MTU ${mtuBytes}`);
  }
  return changed;
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
