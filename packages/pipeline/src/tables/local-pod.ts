import { OF_PORT } from '../registers.ts';
import { goTo, IP, load, to } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/** Table 70. */
export const localPod: TableRows = {
  pod: (_node, { ip, ofPort, vnid }) => [
    {
      priority: 200,
      match: { reg3: 1, ...IP, ip_dst: to(ip) },
      apply: [load(vnid, 'reg1'), load(OF_PORT.tun0, 'reg2'), goTo('tenantCheck')],
      why: "a service connection's reply is checked against the client's project, then goes to the host",
    },
    {
      priority: 100,
      match: { ...IP, ip_dst: to(ip) },
      apply: [load(vnid, 'reg1'), load(ofPort, 'reg2'), goTo('tenantCheck')],
      why: 'the pod',
    },
  ],
};
