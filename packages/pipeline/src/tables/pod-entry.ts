import { ARP, goTo, IP, load, to, UDP } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/** Table 20. Port, MAC and address must be the pod's own, all of them; then its project is known. */
export const podEntry: TableRows = {
  static: ({ gateway, vxlanPort }) => [
    {
      priority: 300,
      match: { ...UDP, udp_dst: vxlanPort },
      apply: 'forged-vxlan',
      why: "masqueraded to the node's address it would be a peer's tunnel packet",
    },
    {
      priority: 200,
      match: { ...ARP, arp_spa: to(gateway) },
      apply: 'forged-gateway-arp',
      why: 'nobody but tun0 is the gateway',
    },
  ],
  pod: (_node, { ip, mac, ofPort, vnid }) => {
    const from = { in_port: ofPort };
    return [
      {
        priority: 100,
        match: { ...from, ...ARP, eth_src: to(mac), arp_spa: to(ip), arp_sha: to(mac) },
        apply: [load(vnid, 'reg0'), goTo('dispatch')],
        why: "the pod's own ARP: the MAC both outside and inside",
      },
      {
        priority: 100,
        match: { ...from, ...IP, eth_src: to(mac), ip_src: to(ip) },
        apply: [load(vnid, 'reg0'), goTo('serviceReply')],
        why: "the pod's own address",
      },
      { priority: 60, match: { ...from, ...IP }, apply: 'spoofed-ip', why: 'the counter names the culprit' },
      { priority: 60, match: { ...from, ...ARP }, apply: 'spoofed-arp', why: 'the counter names the culprit' },
    ];
  },
};
