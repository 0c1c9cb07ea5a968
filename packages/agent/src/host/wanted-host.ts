import type { Route, SysctlKey } from '@tenet/host';
import type { NodeNetwork } from '@tenet/pipeline';
import type { Prefix } from '@tenet/std';
import { HOST_PORT } from '../wired-pods.ts';

/** What tun0 and the kernel around it should look like. */
export interface WantedHost {
  readonly mtuBytes: number;
  /** Cluster and service networks, all through tun0. */
  readonly routes: readonly Prefix[];
  readonly sysctls: readonly (readonly [key: SysctlKey, value: string])[];
  /** Numbers that may be higher: somebody else's reasons count as well. */
  readonly leastSysctls: readonly (readonly [key: SysctlKey, least: number])[];
}

/**
 * The node's own side of the network. The subnet itself has no route of its own: it is reached through that of the
 * cluster network, as the article's node shows it.
 */
export function wantedHost({ clusterNetworks, serviceNetwork, mtuBytes }: NodeNetwork): WantedHost {
  return {
    mtuBytes,
    routes: [...clusterNetworks, serviceNetwork],
    sysctls: [
      // Service traffic and traffic to the outside is forwarded.
      ['net.ipv4.ip_forward', '1'],
      // The effective value is the OR of both: pods must not learn to bypass the host.
      ['net.ipv4.conf.all.send_redirects', '0'],
      [`net.ipv4.conf.${HOST_PORT}.send_redirects`, '0'],
      // A host process that is bound to the node's address must ask for pods as the gateway.
      [`net.ipv4.conf.${HOST_PORT}.arp_announce`, '2'],
      // No neighbour discovery into the switch, which drops IPv6.
      [`net.ipv6.conf.${HOST_PORT}.disable_ipv6`, '1'],
    ],
    // A datagram to a service may be answered after as long, in seconds: an answer that is not translated back is lost.
    leastSysctls: [['net.netfilter.nf_conntrack_udp_timeout', 60]],
  };
}

/** True for a route on tun0 that nobody asked for: one we made for a network that has changed, or the kernel's own. */
export function isStrayRoute(
  route: Pick<Route, 'link' | 'destination' | 'table' | 'type'>,
  wanted: WantedHost,
  mainTable: number,
): boolean {
  return (
    route.link === HOST_PORT &&
    route.table === mainTable &&
    route.type === 'unicast' &&
    route.destination.family === 4 &&
    !wanted.routes.some((destination) => destination.equals(route.destination))
  );
}
