import { ARP, goTo, load, to } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/** Table 40. ARP is checked for tenants as well: who may not talk may not resolve. */
export const localArp: TableRows = {
  pod: (_node, { ip, ofPort, vnid }) => [
    {
      priority: 100,
      match: { ...ARP, arp_tpa: to(ip) },
      apply: [load(vnid, 'reg1'), load(ofPort, 'reg2'), goTo('tenantCheck')],
      why: 'the pod itself answers',
    },
  ],
};
