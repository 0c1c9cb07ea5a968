import { type Flow, formatActions, formatMatch, type Match } from '@tenet/openflow';
import { TABLES } from '@tenet/pipeline';
import type { Ip, Prefix } from '@tenet/std';
import type { CountedStep } from './service-walk.ts';

/** From a node, by its gateway's address, to a pod of its own. */
export interface OwnPod {
  readonly gateway: Ip;
  /** The node's. */
  readonly subnet: Prefix;
  readonly pod: Ip;
}

/** The flows that a packet of the node to a pod of its own passes, in the order of their tables. */
export function flowPath(flows: readonly Flow[], { gateway, subnet, pod }: OwnPod): CountedStep[] {
  const way: readonly (readonly [table: number, fits: (match: Match) => boolean])[] = [
    [TABLES.classify.id, ({ in_port, ip_src }) => in_port !== undefined && is(ip_src, gateway)],
    [TABLES.dispatch.id, ({ in_port, ip_dst }) => in_port === undefined && is(ip_dst, subnet.address)],
    [TABLES.localPod.id, ({ reg3, ip_dst }) => reg3 === undefined && is(ip_dst, pod)],
    [TABLES.tenantCheck.id, ({ ip_src }) => is(ip_src, gateway)],
  ];
  return way.flatMap(([table, fits]) =>
    flows
      .filter((flow) => flow.table === table && flow.actions.length > 0 && isIp(flow.match) && fits(flow.match))
      .map(({ match, actions, stats }) => ({
        at: `table ${table}`,
        says: `${formatMatch(match)} actions=${formatActions(actions)}`,
        packets: stats?.packets ?? 0n,
      })),
  );
}

/** Ethernet's type of IPv4 (RFC 894); ARP has flows of its own. */
function isIp({ eth_type }: Match): boolean {
  return eth_type?.value === 0x0800n;
}

function is(field: Match['ip_src'], ip: Ip): boolean {
  return field?.value === ip.value;
}
