import { isDeepStrictEqual } from 'node:util';
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
  /** Its address of IPv4 as a number, if it has one of the service network. */
  readonly address?: number;
  /** Another address than that, which has no flows. */
  readonly outside?: Ip;
  /** What its flows follow from; absent without an address, and without a VNID. */
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

  // Goes over all of them at each change, ten thousand in some milliseconds.
  #anew(): readonly ClusterService[] {
    const { cluster, isForwarded = () => false } = this.#options;
    const seen = new Map<string, Seen>();
    const holders = new Map<number, string>();
    const refused = new Map<string, Refusal>();
    const younger: string[] = [];
    for (const [key, service] of cluster.services.entries) {
      const each = this.#look(key, service);
      seen.set(key, each);
      if (each.outside !== undefined) refused.set(key, this.#refusalOf(each.outside));
      if (each.address === undefined) continue;
      const holder = holders.get(each.address);
      const isHolder = holder === undefined || isOlder(key, holder, seen);
      if (isHolder) holders.set(each.address, key);
      if (holder !== undefined) younger.push(isHolder ? holder : key);
    }
    for (const key of younger) refused.set(key, refusalOfYounger(key, seen, holders));
    for (const [key, { service }] of this.#seen) {
      if (seen.has(key) || !isForwarded(key)) continue;
      const gone = this.#look(key, service);
      // Its address may be another's already.
      if (gone.address === undefined || holders.has(gone.address)) continue;
      seen.set(key, gone);
      holders.set(gone.address, key);
    }
    this.#seen = seen;
    this.#report(refused);
    const all: ClusterService[] = [];
    for (const key of holders.values()) {
      const flowsOf = seen.get(key)?.flowsOf;
      if (flowsOf !== undefined) all.push(flowsOf);
    }
    return all;
  }

  #look(key: string, service: Service): Seen {
    const { cluster, serviceNetwork } = this.#options;
    const vnid = cluster.netNamespaces.get(service.namespace)?.vnid;
    const before = this.#seen.get(key);
    if (before?.service === service && before.vnid === vnid) return before;
    const clusterIp = service.clusterIps.find(({ family }) => family === 4);
    if (clusterIp === undefined) return { service, vnid };
    if (!serviceNetwork.contains(clusterIp)) return { service, vnid, outside: clusterIp };
    const address = Number(clusterIp.value);
    // Without a number nobody can say yet who may reach it.
    if (vnid === undefined) return { service, vnid, address };
    const ports = service.ports.map(({ protocol, port }) => ({ protocol, port }));
    const flowsOf = { id: ownerId(service.uid), clusterIp, vnid, ports };
    // What was listed anew is a new object, and usually says the same.
    const isSame = isDeepStrictEqual(before?.flowsOf, flowsOf);
    return { service, vnid, address, flowsOf: isSame && before?.flowsOf ? before.flowsOf : flowsOf };
  }

  #refusalOf(outside: Ip): Refusal {
    return {
      reason: `its address ${outside} is outside the service network ${this.#options.serviceNetwork}`,
      remedy: "make the API server's range of service addresses and ClusterNetwork default agree",
    };
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

function refusalOfYounger(key: string, seen: ReadonlyMap<string, Seen>, holders: ReadonlyMap<number, string>): Refusal {
  const { service, address } = seen.get(key) ?? {};
  const holder = address === undefined ? undefined : holders.get(address);
  return {
    reason: `its address ${service?.clusterIps.find(({ family }) => family === 4)} is that of Service ${holder}, which is older`,
    remedy: `delete Service ${key} and make it again`,
  };
}

/** Who came first, then by name: the same on every node and after every restart. */
function isOlder(key: string, holder: string, seen: ReadonlyMap<string, Seen>): boolean {
  const [left = '', right = ''] = [key, holder].map((each) => seen.get(each)?.service.createdAt);
  return left === right ? key < holder : left < right;
}
