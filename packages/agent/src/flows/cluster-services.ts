import type { WatchCache } from '@tenet/kube';
import type { NetNamespace, Service, Vnid } from '@tenet/model';
import type { ClusterService } from '@tenet/pipeline';
import type { Ip, Logger, Prefix } from '@tenet/std';
import { ownerId } from '../owner-id.ts';

export interface ClusterServicesOptions {
  readonly serviceNetwork: Prefix;
  readonly cluster: {
    readonly services: Pick<WatchCache<Service>, 'entries'>;
    readonly netNamespaces: Pick<WatchCache<NetNamespace>, 'get'>;
  };
  /** Whether rules of this node still translate what is sent to the service `namespace/name`; absent: none is known to. */
  readonly isForwarded?: (service: string) => boolean;
  readonly log: Logger;
}

/** A service as it was seen last. */
interface Seen {
  readonly service: Service;
  readonly vnid: Vnid | undefined;
  /** Its address of IPv4, if it has one. */
  readonly clusterIp: Ip | undefined;
  /** What its flows follow from; absent for an address that is none of the service network's, and without a VNID. */
  readonly flowsOf?: ClusterService;
}

/** Why a service has no flows, and what to do. */
interface Refusal {
  readonly reason: string;
  readonly remedy: string;
}

/**
 * The services that have flows: those with a cluster IP of IPv4 whose project has its number. Of two that claim one
 * address the older keeps it, as long as both are there. A service that has gone keeps its flows until no rule of this
 * node leads to it any more: first the rules go, then the flows.
 */
export class ClusterServices {
  readonly #options: ClusterServicesOptions;
  #seen: ReadonlyMap<string, Seen> = new Map();
  #all: readonly ClusterService[] | undefined;
  #refused: ReadonlyMap<string, Refusal> = new Map();

  constructor(options: ClusterServicesOptions) {
    this.#options = options;
  }

  /** Says that services, the numbers of projects, or what is forwarded have changed. */
  heard(): void {
    this.#all = undefined;
  }

  /** All of them: the very same list while nothing was heard, and the very same object for what has not changed. */
  all(): readonly ClusterService[] {
    this.#all ??= this.#anew();
    return this.#all;
  }

  #anew(): readonly ClusterService[] {
    const { cluster, serviceNetwork, isForwarded = () => false } = this.#options;
    const seen = new Map<string, Seen>();
    for (const [key, service] of cluster.services.entries) seen.set(key, this.#look(key, service));
    const holders = holdersOf(seen);
    for (const [key, { service }] of this.#seen) {
      if (seen.has(key) || !isForwarded(key)) continue;
      const gone = this.#look(key, service);
      // Its address may be another's already.
      if (gone.clusterIp === undefined || holders.has(gone.clusterIp.value)) continue;
      seen.set(key, gone);
      holders.set(gone.clusterIp.value, key);
    }
    this.#seen = seen;
    this.#report(refusalsOf(seen, holders, serviceNetwork));
    return [...holders.values()].flatMap((key) => seen.get(key)?.flowsOf ?? []);
  }

  #look(key: string, service: Service): Seen {
    const { cluster, serviceNetwork } = this.#options;
    const vnid = cluster.netNamespaces.get(service.namespace)?.vnid;
    const before = this.#seen.get(key);
    if (before?.service === service && before.vnid === vnid) return before;
    const clusterIp = service.clusterIps.find(({ family }) => family === 4);
    // Without a number nobody can say yet who may reach it.
    if (clusterIp === undefined || vnid === undefined || !serviceNetwork.contains(clusterIp))
      return { service, vnid, clusterIp };
    const ports = service.ports.map(({ protocol, port }) => ({ protocol, port }));
    return { service, vnid, clusterIp, flowsOf: { id: ownerId(service.uid), clusterIp, vnid, ports } };
  }

  /** Says which services are left out, each when that is new. */
  #report(refused: ReadonlyMap<string, Refusal>): void {
    for (const [service, { reason, remedy }] of refused) {
      if (this.#refused.get(service)?.reason !== reason)
        this.#options.log.warn('service left out', { service, reason, remedy });
    }
    this.#refused = refused;
  }
}

/** The service that keeps each address. */
function holdersOf(seen: ReadonlyMap<string, Seen>): Map<bigint, string> {
  const holders = new Map<bigint, string>();
  for (const [key, each] of seen) {
    if (each.clusterIp === undefined) continue;
    const holder = holders.get(each.clusterIp.value);
    if (holder === undefined || isOlder([key, each], [holder, seen.get(holder)])) {
      holders.set(each.clusterIp.value, key);
    }
  }
  return holders;
}

function refusalsOf(
  seen: ReadonlyMap<string, Seen>,
  holders: ReadonlyMap<bigint, string>,
  serviceNetwork: Prefix,
): ReadonlyMap<string, Refusal> {
  const refused = new Map<string, Refusal>();
  for (const [key, { clusterIp, flowsOf }] of seen) {
    const holder = clusterIp && holders.get(clusterIp.value);
    if (clusterIp === undefined) continue;
    if (flowsOf === undefined && !serviceNetwork.contains(clusterIp)) {
      refused.set(key, {
        reason: `its address ${clusterIp} is outside the service network ${serviceNetwork}`,
        remedy: "make the API server's range of service addresses and ClusterNetwork default agree",
      });
    } else if (holder !== key) {
      refused.set(key, {
        reason: `its address ${clusterIp} is that of Service ${holder}, which is older`,
        remedy: `delete Service ${key} and make it again`,
      });
    }
  }
  return refused;
}

/** Who came first, then by name: the same on every node and after every restart. */
function isOlder([key, one]: readonly [string, Seen], [holder, other]: readonly [string, Seen | undefined]): boolean {
  const [left, right] = [one.service.createdAt, other?.service.createdAt ?? ''];
  return left === right ? key < holder : left < right;
}
