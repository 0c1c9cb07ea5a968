import { existsSync, statSync } from 'node:fs';
import {
  inNamespace,
  isSunk,
  Netlink,
  readSysctl,
  readTxChecksum,
  SINK,
  type SysctlKey,
  setTxChecksum,
  sinkLinks,
  writeSysctl,
} from '@tenet/host';
import type { NodeNetwork } from '@tenet/pipeline';
import { type Ip, Mac, Prefix } from '@tenet/std';
import { failAgent } from '../errors.ts';

/** One end in the host, one in the pod. */
export interface PodLink {
  readonly hostVeth: string;
  readonly netns: string;
  readonly ifName: string;
  readonly ip: Ip;
}

const MULTICAST = Prefix.parse('224.0.0.0/4');
const EVERYWHERE = Prefix.parse('0.0.0.0/0');

/** True when the pod's end is there with its address and MAC, so that an ADD was through before. */
export function isPodLinkThere(host: Netlink, { hostVeth, netns, ifName, ip }: PodLink): boolean {
  if (!existsSync(netns) || host.link(hostVeth) === undefined) return false;
  using pod = Netlink.open(netns);
  const link = pod.link(ifName);
  if (link === undefined || !link.up || link.mac?.equals(Mac.fromIpv4(ip)) !== true) return false;
  return pod.addresses().some(({ link: name, address }) => name === ifName && address.equals(ip));
}

/**
 * Makes the pod's interface and all that the pod sees of the network: address, MAC, MTU and routes. What an earlier
 * call left half made under the same names is replaced. NETNS_MISSING when the sandbox is gone.
 */
export function makePodLink(host: Netlink, node: NodeNetwork, { hostVeth, netns, ifName, ip }: PodLink): void {
  checkSandbox(netns);
  const { mtuBytes, subnet, datapath } = node;
  host.deleteLink(hostVeth);
  using pod = Netlink.open(netns);
  // Ours would have gone with its other end: this one is somebody else's.
  if (pod.link(ifName) !== undefined) failAgent('INTERFACE_TAKEN', { ifName, path: netns });
  host.addVeth({
    name: hostVeth,
    mtu: mtuBytes,
    peer: { name: ifName, namespace: netns, mtu: mtuBytes, mac: Mac.fromIpv4(ip) },
  });
  inNamespace(netns, () => {
    // The network is IPv4 only: the pod's neighbour discovery would only count as dropped.
    disableIpv6(ifName);
    // The userspace datapath does not finish partial checksums.
    if (datapath === 'netdev') setTxChecksum(ifName, false);
  });
  guardHostEnd(host, node, hostVeth);
  pod.changeLink('lo', { up: true });
  pod.changeLink(ifName, { up: true });
  // With it comes the route to the subnet.
  pod.addAddress({ link: ifName, address: ip, prefixLength: subnet.length });
  for (const { destination, gateway } of podRoutes(node)) {
    const hop = gateway === undefined ? { scope: 'link' as const } : { gateway };
    pod.replaceRoute({ destination, link: ifName, ...hop });
  }
  host.changeLink(hostVeth, { up: true });
}

/** Keeps the kernel's own stack off the host's end, whose frames are the switch's alone. */
export function guardHostEnd(host: Netlink, { datapath }: Pick<NodeNetwork, 'datapath'>, hostVeth: string): void {
  // Else the node would look for routers in the pod, and detect duplicates of an address that nobody uses.
  disableIpv6(hostVeth);
  if (datapath !== 'netdev') return;
  setTxChecksum(hostVeth, false);
  sinkLinks(host, [hostVeth]);
  writeSysctl(reversePathKey(hostVeth), STRICT);
}

/** What is missing of `guardHostEnd`, in words; undefined when nothing is. The link must be there. */
export function missingGuard(
  host: Netlink,
  { datapath }: Pick<NodeNetwork, 'datapath'>,
  hostVeth: string,
): string | undefined {
  if (datapath === 'netdev') {
    const [link, sink] = [host.link(hostVeth), host.link(SINK)];
    if (link === undefined || !isSunk(link, sink)) return `${hostVeth} is not in ${SINK}`;
    if (sink?.up === true) return `${SINK} is up`;
    if (readTxChecksum(hostVeth)) return `${hostVeth} leaves checksums to be filled in`;
  }
  const settings: (readonly [SysctlKey, string])[] = [[ipv6Key(hostVeth), '1']];
  if (datapath === 'netdev') settings.push([reversePathKey(hostVeth), STRICT]);
  for (const [key, wanted] of settings) {
    const actual = readSysctl(key);
    // A kernel that was started without IPv6 has no such key.
    if (actual !== undefined && actual !== wanted) return `${key} is ${actual} instead of ${wanted}`;
  }
  return undefined;
}

/** RFC 3704, section 2.2: what comes in must be routed back the same way. */
const STRICT = '1';

function reversePathKey(link: string): SysctlKey {
  return `net.ipv4.conf.${link}.rp_filter`;
}

function ipv6Key(link: string): SysctlKey {
  return `net.ipv6.conf.${link}.disable_ipv6`;
}

/** The routes that a pod gets, beside that to its own subnet; one without a gateway is reached on the link itself. */
export function podRoutes({
  gateway,
  clusterNetworks,
}: Pick<NodeNetwork, 'gateway' | 'clusterNetworks'>): { readonly destination: Prefix; readonly gateway?: Ip }[] {
  return [
    { destination: EVERYWHERE, gateway },
    ...clusterNetworks.map((destination) => ({ destination })),
    { destination: MULTICAST },
  ];
}

/** NETNS_MISSING when the sandbox is gone, NETNS_IS_HOST when it is the node's own namespace, which is no pod's. */
function checkSandbox(netns: string): void {
  if (!existsSync(netns)) failAgent('NETNS_MISSING', { path: netns });
  const sandbox = statSync(netns);
  const own = statSync('/proc/self/ns/net');
  if (sandbox.ino === own.ino && sandbox.dev === own.dev) failAgent('NETNS_IS_HOST', { path: netns });
}

/** A kernel that was started without IPv6 has no such key, and needs none. */
function disableIpv6(link: string): void {
  const key = ipv6Key(link);
  if (readSysctl(key) !== undefined) writeSysctl(key, '1');
}
