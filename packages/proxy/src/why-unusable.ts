import { type Ip, Prefix } from '@tenet/std';
import type { ProxyNode } from './proxied-port.ts';

/** The cluster's own ranges, as far as they forbid an address. */
export type OwnRanges = Pick<ProxyNode, 'clusterNetworks' | 'serviceNetwork'>;

/**
 * Why nothing may be sent to this endpoint; undefined when it may. Kubernetes refuses the special ranges for
 * hand-made endpoints too, and documents that a cluster IP is none: what was forwarded once is not forwarded again.
 */
export function whyNoEndpoint(ip: Ip, { serviceNetwork }: OwnRanges): string | undefined {
  return whySpecial(ip) ?? (serviceNetwork.contains(ip) ? `is in the service network ${serviceNetwork}` : undefined);
}

/** Why no service is served at this cluster IP; undefined when one may be: what guards them knows one range. */
export function whyNoClusterIp(ip: Ip, { serviceNetwork }: OwnRanges): string | undefined {
  return serviceNetwork.contains(ip) ? undefined : `is outside the service network ${serviceNetwork}`;
}

/**
 * Why a service may not be published at this address; undefined when it may. One in the cluster's own ranges would
 * take what is meant for another project's pod or service.
 */
export function whyNotPublished(ip: Ip, { clusterNetworks, serviceNetwork }: OwnRanges): string | undefined {
  const pods = clusterNetworks.find((range) => range.contains(ip));
  if (pods !== undefined) return `is in the cluster network ${pods}`;
  return whySpecial(ip) ?? (serviceNetwork.contains(ip) ? `is in the service network ${serviceNetwork}` : undefined);
}

function whySpecial(ip: Ip): string | undefined {
  const special = SPECIAL.find(({ range }) => range.contains(ip));
  return special === undefined ? undefined : `is ${special.is}`;
}

/** RFC 6890 §2.2.2 and RFC 5771 §3: what a packet cannot be sent to, or means something else on every node. */
const SPECIAL = [
  { range: Prefix.parse('0.0.0.0/8'), is: 'unspecified' },
  { range: Prefix.parse('127.0.0.0/8'), is: 'loopback' },
  { range: Prefix.parse('169.254.0.0/16'), is: 'link-local' },
  { range: Prefix.parse('224.0.0.0/4'), is: 'multicast' },
  { range: Prefix.parse('255.255.255.255/32'), is: 'broadcast' },
] as const;
