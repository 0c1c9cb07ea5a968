import { NOBODY, type Service } from '@tenet/model';
import { Ip, type Prefix } from '@tenet/std';
import { type OwnRanges, whyNoClusterIp, whyNotPublished } from './why-unusable.ts';

/** An address that a service or one of its slices names and that is not served, for who wonders why. */
export interface IgnoredAddress {
  readonly namespace: string;
  readonly service: string;
  readonly field: 'clusterIP' | 'nodePort' | 'externalIPs' | 'loadBalancer' | 'endpoints';
  /** As people write it: an address, with `:port` where it is about that port. */
  readonly address: string;
  /** What is wrong with it, to be read after the address. */
  readonly problem: string;
}

/** The IPv4 addresses at which a service is served; none when another proxy serves it. */
export interface ServiceAddresses {
  /** Absent when there is nothing to forward. */
  readonly clusterIp?: Ip;
  readonly externalIps: readonly Ip[];
  readonly loadBalancerIps: readonly Ip[];
  readonly sourceRanges: readonly Prefix[];
  readonly ignored: readonly IgnoredAddress[];
}

/**
 * Chooses them: each address once, in numeric order. One that is the load balancer's is not in `externalIps` too,
 * or who may not come through the balancer would come past it.
 */
export function serviceAddresses(service: Service, ranges: OwnRanges): ServiceAddresses {
  if (service.proxyName !== undefined) return NONE;
  const ignored: IgnoredAddress[] = [];
  const sound = (field: IgnoredAddress['field'], ips: readonly Ip[], why: typeof whyNotPublished): readonly Ip[] =>
    distinct(ips).filter((ip) => {
      const problem = why(ip, ranges);
      if (problem !== undefined)
        ignored.push({ namespace: service.namespace, service: service.name, field, address: `${ip}`, problem });
      return problem === undefined;
    });
  const [clusterIp] = sound('clusterIP', service.clusterIps, whyNoClusterIp);
  const loadBalancerIps = sound('loadBalancer', service.loadBalancerIps, whyNotPublished);
  const externalIps = sound('externalIPs', service.externalIps, whyNotPublished).filter(
    (ip) => !loadBalancerIps.some((other) => other.equals(ip)),
  );
  return {
    ...(clusterIp === undefined ? {} : { clusterIp }),
    externalIps,
    loadBalancerIps,
    sourceRanges: distinctRanges(service.sourceRanges),
    ignored,
  };
}

const NONE: ServiceAddresses = { externalIps: [], loadBalancerIps: [], sourceRanges: [], ignored: [] };

/** IPv4 ones, each once, in numeric order. */
function distinct(ips: readonly Ip[]): readonly Ip[] {
  const sorted = ips.filter(({ family }) => family === 4).toSorted(Ip.compare);
  return sorted.filter((ip, at) => sorted[at - 1]?.equals(ip) !== true);
}

/**
 * Disjoint IPv4 ranges in numeric order; none, which means everybody, when one of them is all addresses. Ranges of
 * which none is IPv4 let nobody in.
 */
function distinctRanges(ranges: readonly Prefix[]): readonly Prefix[] {
  if (ranges.length === 0) return [];
  const ipv4 = ranges
    .filter(({ family }) => family === 4)
    .toSorted((a, b) => Ip.compare(a.address, b.address) || a.length - b.length);
  if (ipv4.length === 0) return [NOBODY];
  if (ipv4.some(({ length }) => length === 0)) return [];
  // The range that holds another comes before it, and prefixes overlap only by one holding the other.
  const kept: Prefix[] = [];
  for (const range of ipv4) if (kept.at(-1)?.contains(range.address) !== true) kept.push(range);
  return kept;
}
