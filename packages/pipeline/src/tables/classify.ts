import { MULTICAST } from '../multicast.ts';
import { OF_PORT } from '../registers.ts';
import { ARP, goTo, ICMP, IP, IPV6, to, VNI_TO_REG0 } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

const HOST = { in_port: OF_PORT.tun0 };
const TUNNEL = { in_port: OF_PORT.vxlan0 };

/**
 * Table 0. It must never match ct_state: on the kernel datapath a packet from tun0 carries the host's own conntrack
 * state, in userspace none.
 */
export const classify: TableRows = {
  static: ({ clusterNetworks, serviceNetwork, subnet, gateway }) => [
    {
      priority: 1000,
      match: { vlan_tci: { value: 0x1000n, mask: 0x1000n } },
      apply: 'vlan',
      why: 'ip also matches inside a tag, so a tagged frame would pass every check below',
    },
    { priority: 900, match: IPV6, apply: 'ipv6', why: 'counted apart from other ethertypes' },
    {
      priority: 450,
      match: { ...HOST, ...IP, ip_dst: to(MULTICAST) },
      apply: 'host-multicast',
      why: 'the host takes no part in the multicast of pods',
    },
    {
      priority: 440,
      match: { ...HOST, ...ICMP, icmp_type: 5 },
      apply: 'host-redirect',
      why: 'pods must not learn to bypass the host, should send_redirects be on',
    },
    {
      priority: 400,
      match: { ...HOST, ...IP, ip_src: to(gateway) },
      apply: [goTo('dispatch')],
      why: 'the node itself, and all masqueraded traffic: reg0 stays 0, global',
    },
    ...clusterNetworks.map((cluster) => ({
      priority: 400,
      match: { ...HOST, ...ARP, arp_spa: to(gateway), arp_tpa: to(cluster) },
      apply: [goTo('dispatch')],
      why: 'the node resolves local and remote pods',
    })),
    {
      priority: 350,
      match: { ...HOST, ...IP, ip_src: to(serviceNetwork), ip_dst: to(subnet) },
      apply: [goTo('dispatch')],
      why: 'an answer that the host has translated back, to the client that asked',
    },
    ...clusterNetworks.map((cluster) => ({
      priority: 300,
      match: { ...HOST, ...IP, ip_src: to(subnet), ip_dst: to(cluster) },
      apply: [goTo('fromHost')],
      why: 'a request that the host has translated, still from its pod',
    })),
    ...clusterNetworks.map((cluster) => ({
      priority: 250,
      match: { ...HOST, ...IP, ip_src: to(cluster) },
      apply: 'host-remote-pod' as const,
      why: "a remote pod's packet that this host translated and did not masquerade: its VNID is lost",
    })),
    {
      priority: 200,
      match: { ...HOST, ...IP, ip_dst: to(subnet) },
      apply: [goTo('dispatch')],
      why: 'from outside to a local pod: answers, node ports with the source kept, ICMP errors of routers',
    },
    ...clusterNetworks.map((cluster) => ({
      priority: 150,
      match: { ...HOST, ...IP, ip_dst: to(cluster) },
      apply: 'host-outside-to-remote' as const,
      why: "answers to it would go astray: only the pod's own node brings the outside to it",
    })),
    { priority: 100, match: HOST, apply: 'host-other', why: 'the host has nothing else to say to pods' },
    {
      priority: 300,
      match: { ...TUNNEL, ...IP },
      apply: [VNI_TO_REG0, goTo('tunnelEntry')],
      why: 'the VNI is the VNID of the source',
    },
    {
      priority: 300,
      match: { ...TUNNEL, ...ARP },
      apply: [VNI_TO_REG0, goTo('tunnelEntry')],
      why: 'the VNI is the VNID of the source',
    },
    { priority: 100, match: TUNNEL, apply: 'tunnel-ethertype', why: 'nodes send nothing else' },
    {
      priority: 50,
      match: IP,
      apply: [goTo('podEntry')],
      why: 'every other port is a pod, or unknown, which the next table decides',
    },
    {
      priority: 50,
      match: ARP,
      apply: [goTo('podEntry')],
      why: 'every other port is a pod, or unknown, which the next table decides',
    },
  ],
};
