import { MULTICAST } from '../multicast.ts';
import { ARP, goTo, IP, to } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/** Table 10. A node may speak for its own pods only, and only to ours: not the tunnel alone is checked but what is in it. */
export const tunnelEntry: TableRows = {
  peer: ({ subnet }, peer) => {
    const from = { tun_src: to(peer.hostIp) };
    return [
      {
        priority: 100,
        match: { ...from, ...IP, ip_src: to(peer.subnet), ip_dst: to(subnet) },
        apply: [goTo('serviceReply')],
        why: "one of the peer's pods to one of ours",
      },
      {
        priority: 100,
        match: { ...from, ...IP, ip_src: to(peer.subnet), ip_dst: to(MULTICAST) },
        apply: [goTo('serviceReply')],
        why: "multicast of one of the peer's pods",
      },
      {
        priority: 100,
        match: { ...from, ...ARP, arp_spa: to(peer.subnet), arp_tpa: to(subnet) },
        apply: [goTo('dispatch')],
        why: "one of the peer's pods asks for one of ours",
      },
      { priority: 60, match: from, apply: 'tunnel-bad-inner', why: "a known peer that speaks for another's pods" },
    ];
  },
};
