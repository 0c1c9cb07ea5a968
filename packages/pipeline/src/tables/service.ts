import type { ServiceProtocol } from '@tenet/model';
import type { MatchInput } from '@tenet/openflow';
import type { Ip } from '@tenet/std';
import { OF_PORT } from '../registers.ts';
import { goTo, ICMP, IP, LATER_FRAGMENT, load, SCTP, TCP, to, UDP } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/** ICMP "destination unreachable" (RFC 792): no such port, or too big to be sent on. */
const UNREACHABLE = 3;

/**
 * Table 60. A cluster IP belongs to the project of its service: who may talk to that project goes on to the host,
 * which chooses the endpoint. Addresses and ports of no service end here.
 */
export const service: TableRows = {
  service: (_node, { clusterIp, vnid, ports }) => {
    if (ports.length === 0) return [];
    const apply = [load(vnid, 'reg1'), load(OF_PORT.tun0, 'reg2'), goTo('tenantCheck')];
    return [
      {
        priority: 100,
        match: { ...IP, ip_dst: to(clusterIp), ip_frag: LATER_FRAGMENT },
        apply,
        why: 'later fragments show no port: the project decides',
      },
      ...ports.map(({ protocol, port }) => ({
        priority: 100,
        match: MATCH_PORT[protocol](clusterIp, port),
        apply,
        why: 'a port of the service, in whole packets and first fragments',
      })),
      {
        priority: 100,
        match: { ...ICMP, ip_dst: to(clusterIp), icmp_type: UNREACHABLE },
        apply,
        why: "the client's own errors about an answer must find the endpoint",
      },
    ];
  },
};

const MATCH_PORT: Readonly<Record<ServiceProtocol, (clusterIp: Ip, port: number) => MatchInput>> = {
  tcp: (clusterIp, port) => ({ ...TCP, ip_dst: to(clusterIp), tcp_dst: port }),
  udp: (clusterIp, port) => ({ ...UDP, ip_dst: to(clusterIp), udp_dst: port }),
  sctp: (clusterIp, port) => ({ ...SCTP, ip_dst: to(clusterIp), sctp_dst: port }),
};
