/** A network namespace that stands for a node: its links, addresses and routes, and whoever is at their other ends. */
import { spawnSync } from 'node:child_process';
import { createNamespace, deleteNamespace, inNamespace, Netlink, PacketSocket, writeSysctl } from '@tenet/host';
import type { NodeNetwork } from '@tenet/pipeline';
import type { ProxyNode } from '@tenet/proxy';
import { Ip, Mac, Prefix } from '@tenet/std';
import { sweep } from './sweep.ts';

/** What its flows and host rules depend on. */
export const NODE_NETWORK: NodeNetwork = {
  nodeIp: Ip.parse('10.122.70.72'),
  subnet: Prefix.parse('10.131.2.0/23'),
  gateway: Ip.parse('10.131.2.1'),
  gatewayMac: Mac.parse('0a:58:0a:83:02:01'),
  clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  serviceNetwork: Prefix.parse('172.30.0.0/16'),
  vxlanPort: 4789,
  mtuBytes: 1450,
  datapath: 'netdev',
};

/** A second address of its network card. */
export const SECOND_NODE_IP = Ip.parse('10.122.80.72');

/** What its service rules depend on; node ports are open at all of its addresses. */
export const PROXY_NODE: ProxyNode = {
  name: 'node-a',
  zone: 'zone-1',
  clusterNetworks: NODE_NETWORK.clusterNetworks,
  serviceNetwork: NODE_NETWORK.serviceNetwork,
  nodePortAddresses: [],
};

/** Where a packet comes in or goes out: br0 is behind tun0, the world behind eth0. */
export type NodeLink = 'tun0' | 'eth0';

export interface ServiceNode extends Disposable {
  /** As `ip netns` knows it. */
  readonly name: string;
  readonly namespace: string;
  /** What the node sends on a link, and what is sent to it there: raw frames. */
  readonly wires: Readonly<Record<NodeLink, PacketSocket>>;
  /** The MAC of the node's end. */
  readonly macs: Readonly<Record<NodeLink, Mac>>;
}

const MACS = { tun0: NODE_NETWORK.gatewayMac, eth0: Mac.parse('02:00:00:00:70:72') };
const OTHER_END = Mac.parse('02:00:00:00:00:02');

/** Who is at the other ends answers nothing by himself: no ARP, no addresses. */
export function serviceNode(topic: string): ServiceNode {
  const prefix = 'tenet-services';
  sweep(prefix);
  const name = `${prefix}-${process.pid}-${topic}`;
  const namespace = `/run/netns/${name}`;
  const beyond = `${namespace}-beyond`;
  for (const path of [namespace, beyond]) createNamespace(path);
  inNamespace(namespace, () => {
    writeSysctl('net.ipv4.ip_forward', 1);
    for (const conf of ['all', 'default'] as const) {
      writeSysctl(`net.ipv4.conf.${conf}.rp_filter`, 0);
      writeSysctl(`net.ipv4.conf.${conf}.send_redirects`, 0);
      writeSysctl(`net.ipv6.conf.${conf}.disable_ipv6`, 1);
    }
    // Each refusal counts here, however fast they come.
    writeSysctl('net.ipv4.icmp_ratemask', 0);
  });
  inNamespace(beyond, () => writeSysctl('net.ipv6.conf.default.disable_ipv6', 1));
  {
    using netlink = Netlink.open(namespace);
    using other = Netlink.open(beyond);
    netlink.changeLink('lo', { up: true });
    for (const link of ['tun0', 'eth0'] as const) {
      netlink.addVeth({ name: link, mac: MACS[link], peer: { name: link, namespace: beyond, mac: OTHER_END } });
      // Nobody answers ARP: frames go out at once, to the node's own MAC.
      const { status, stderr } = spawnSync('ip', ['-n', name, 'link', 'set', link, 'arp', 'off'], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      for (const end of [netlink, other]) end.changeLink(link, { up: true });
    }
    const { gateway, subnet, nodeIp, clusterNetworks, serviceNetwork } = NODE_NETWORK;
    netlink.addAddress({ link: 'tun0', address: gateway, prefixLength: subnet.length, noPrefixRoute: true });
    for (const destination of [...clusterNetworks, serviceNetwork]) netlink.replaceRoute({ destination, link: 'tun0' });
    for (const address of [nodeIp, SECOND_NODE_IP]) netlink.addAddress({ link: 'eth0', address, prefixLength: 24 });
    netlink.replaceRoute({ destination: Prefix.parse('0.0.0.0/0'), link: 'eth0' });
  }
  const wire = (link: NodeLink) => PacketSocket.open({ link, namespace: beyond });
  const wires = { tun0: wire('tun0'), eth0: wire('eth0') };
  return {
    name,
    namespace,
    wires,
    macs: MACS,
    [Symbol.dispose]() {
      for (const socket of Object.values(wires)) socket[Symbol.dispose]();
      for (const path of [namespace, beyond]) deleteNamespace(path);
    },
  };
}
