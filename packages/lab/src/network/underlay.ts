import { inNamespace, Netlink, setTxChecksum, writeSysctl } from '@tenet/host';
import { Ip, Prefix } from '@tenet/std';
import type { NodeSpec } from '../cluster/cluster-spec.ts';
import type { Lab } from '../state/lab-state.ts';
import { makeNamespace } from './namespace.ts';

/** The bridge that all nodes are plugged into, in the underlay's namespace; it holds the gateway's address. */
const BRIDGE = 'underlay';

/** A node's NIC before Open vSwitch takes it. */
export const NIC = 'nic0';

/** The prefix length of the network between the gateway and `outside`. */
const OUTSIDE_LENGTH = 24;

/**
 * Makes what lies around the nodes: a switch whose namespace is also their router, and a host on its other side.
 * Nothing of it is in the machine's own namespace.
 */
export function makeUnderlay({ paths, settings: { cluster, datapath } }: Lab): void {
  const underlay = paths.namespace('underlay');
  const outside = paths.namespace('outside');
  for (const path of [underlay, outside]) makeNamespace({ path, record: paths.record, ipv6: false });

  const outsideIp = Ip.parse(cluster.outside);
  const outsideRouter = Prefix.of(outsideIp, OUTSIDE_LENGTH).address.plus(1);
  using router = Netlink.open(underlay);
  router.addBridge(BRIDGE);
  router.changeLink(BRIDGE, { up: true });
  router.addAddress({
    link: BRIDGE,
    address: Ip.parse(cluster.underlay.gateway),
    prefixLength: Prefix.parse(cluster.underlay.network).length,
  });
  router.addVeth({ name: 'outside', peer: { name: 'eth0', namespace: outside } });
  router.changeLink('outside', { up: true });
  router.addAddress({ link: 'outside', address: outsideRouter, prefixLength: OUTSIDE_LENGTH });

  using host = Netlink.open(outside);
  host.changeLink('eth0', { up: true });
  host.addAddress({ link: 'eth0', address: outsideIp, prefixLength: OUTSIDE_LENGTH });
  host.replaceRoute({ destination: DEFAULT_ROUTE, gateway: outsideRouter });

  inNamespace(underlay, () => writeSysctl('net.ipv4.ip_forward', '1'));
  if (datapath === 'netdev') {
    finishChecksums(underlay, BRIDGE);
    finishChecksums(underlay, 'outside');
    finishChecksums(outside, 'eth0');
  }
}

/** Makes a node's namespace and plugs it in: a veth from the bridge to its NIC, and the routes of what it publishes. */
export function plugNodeIn({ paths, settings: { datapath, cluster } }: Lab, { name, ip }: NodeSpec): void {
  const underlay = paths.namespace('underlay');
  const node = paths.namespace(name);
  makeNamespace({ path: node, record: paths.record });
  using netlink = Netlink.open(underlay);
  const port = portName(netlink);
  netlink.addVeth({ name: port, peer: { name: NIC, namespace: node } });
  netlink.changeLink(port, { master: BRIDGE, up: true });
  for (const { network, node: at } of cluster.underlay.published)
    if (at === name) netlink.replaceRoute({ destination: Prefix.parse(network), gateway: Ip.parse(ip) });
  if (datapath === 'netdev') {
    finishChecksums(underlay, port);
    finishChecksums(node, NIC);
  }
}

export const DEFAULT_ROUTE = Prefix.parse('0.0.0.0/0');

/** Links have names of at most 15 bytes and nodes longer ones: ports are numbered. */
function portName(netlink: Netlink): string {
  const taken = new Set(netlink.links().map((link) => link.name));
  let number = 1;
  while (taken.has(`port${number}`)) number++;
  return `port${number}`;
}

/** The userspace datapath forwards a packet as it is: its checksum must be finished before it gets there. */
function finishChecksums(namespace: string, link: string): void {
  inNamespace(namespace, () => setTxChecksum(link, false));
}
