import { OF_PORT } from '../registers.ts';
import { goTo, output, TCP, to, UDP } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

const DNS_PORT = 53;

/** Table 99. */
export const outside: TableRows = {
  static: ({ nodeIp }) => [
    {
      priority: 200,
      match: { ...TCP, tcp_dst: DNS_PORT, ip_dst: to(nodeIp) },
      apply: [output(OF_PORT.tun0)],
      why: 'DNS on the own node passes egress policy',
    },
    {
      priority: 200,
      match: { ...UDP, udp_dst: DNS_PORT, ip_dst: to(nodeIp) },
      apply: [output(OF_PORT.tun0)],
      why: 'DNS on the own node passes egress policy',
    },
    { priority: 1, match: {}, apply: [goTo('egressPolicy')], why: 'all else is subject to policy' },
  ],
};

/** Table 100. */
export const egressPolicy: TableRows = {
  static: () => [{ priority: 1, match: {}, apply: [goTo('egressRoute')], why: 'no policy: allowed' }],
};

/** Table 101. */
export const egressRoute: TableRows = {
  static: () => [{ priority: 1, match: {}, apply: [output(OF_PORT.tun0)], why: 'masqueraded by the host' }],
};
