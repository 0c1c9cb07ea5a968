import type { WatchCache } from '@tenet/kube';
import type { EndpointSlice, NetNamespace, Service, ServiceEndpoint } from '@tenet/model';
import type { Clock, Ip, Logger, Prefix } from '@tenet/std';
import { AddressOwners } from './address-owners.ts';
import { areOfProject } from './projects-at.ts';

export interface VouchedEndpointsOptions {
  readonly clusterNetworks: readonly Prefix[];
  readonly netNamespaces: Pick<WatchCache<NetNamespace>, 'get' | 'onChange'>;
  /** The projects of the pods that have an address now. */
  readonly projectsAt: (ip: Ip) => Promise<readonly string[]>;
  /** Hears which slices, by their keys, are to be vetted again. */
  readonly onChange: (slices: Iterable<string>) => void;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
}

/** A slice as it is to be vetted. */
export interface VettedSlice {
  readonly slice: EndpointSlice;
  /** Whose it is; undefined when there is no such service. */
  readonly service: Service | undefined;
}

type Verdict =
  | { readonly is: 'used' }
  /** Nobody has said yet whose pod it is. */
  | { readonly is: 'not known' }
  | { readonly is: 'refused'; readonly reason: string };

/**
 * Keeps hand-made endpoints from leading to pods of other projects. Who comes by a published address comes masqueraded,
 * with the node as its source, and table 80 lets the node reach every pod: so that the endpoint is a pod of the
 * service's project, or of a global one, is made sure of before there is a rule. What nobody vouches for is not used.
 *
 * The cluster's own controller vouches for its slices, and puts right within moments what others write into them, but
 * only where the service has a selector. Addresses outside of the cluster networks are none of any pod's.
 */
export class VouchedEndpoints implements Disposable {
  readonly #options: VouchedEndpointsOptions;
  readonly #owners: AddressOwners;
  readonly #listening: Disposable;
  /** By slice whose endpoints need somebody who vouches: what was told of each address that is refused. */
  readonly #doubted = new Map<string, Map<string, string>>();

  constructor(options: VouchedEndpointsOptions) {
    const { netNamespaces, projectsAt, onChange, log, clock, signal } = options;
    this.#options = options;
    this.#owners = new AddressOwners({ find: projectsAt, onChange, log, clock, signal });
    this.#listening = netNamespaces.onChange(() => {
      if (this.#doubted.size > 0) onChange(this.#doubted.keys());
    });
  }

  /** The slice with those of its endpoints that may be used now. */
  vet(key: string, { slice, service }: VettedSlice): EndpointSlice {
    if (service === undefined) {
      this.forget(key);
      return { ...slice, endpoints: [] };
    }
    const isControllers = slice.isManaged && service.hasSelector;
    const doubted = isControllers ? [] : slice.endpoints.filter(({ ip }) => this.#isInCluster(ip));
    if (doubted.length === 0) {
      this.forget(key);
      return slice;
    }
    const vnid = this.#vnidOf(slice.namespace);
    this.#owners.setNeeds(key, vnid === 0 ? NO_NEEDS : new Map(doubted.map(({ ip }) => [ip.toString(), ip])));
    const toldBefore = this.#doubted.get(key) ?? NOTHING_TOLD;
    const told = new Map<string, string>();
    this.#doubted.set(key, told);
    const refused = new Set<ServiceEndpoint>();
    for (const endpoint of doubted) {
      const address = endpoint.ip.toString();
      const verdict = this.#judge(address, vnid);
      if (verdict.is !== 'used') refused.add(endpoint);
      const reason = this.#tell(verdict, { ip: address, before: toldBefore.get(address), slice });
      if (reason !== undefined) told.set(address, reason);
    }
    return refused.size === 0 ? slice : { ...slice, endpoints: slice.endpoints.filter((each) => !refused.has(each)) };
  }

  /** Resolves when it has been asked once whose each doubted endpoint is, with or without an answer. */
  tried(): Promise<void> {
    return this.#owners.tried();
  }

  /** The slice has gone. */
  forget(key: string): void {
    if (this.#doubted.delete(key)) this.#owners.setNeeds(key, NO_NEEDS);
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  #judge(address: string, vnid: number | undefined): Verdict {
    // Everybody may reach a global project, and it may reach everybody.
    if (vnid === 0) return { is: 'used' };
    const projects = this.#owners.get(address);
    if (projects === undefined || vnid === undefined) return { is: 'not known' };
    if (projects.length === 0) return { is: 'refused', reason: 'no pod has its address' };
    const vnids = projects.map((project) => this.#vnidOf(project));
    if (areOfProject(vnids, vnid)) return { is: 'used' };
    if (vnids.includes(undefined)) return { is: 'not known' };
    return { is: 'refused', reason: `its address is that of a pod of ${projects.join(' and ')}` };
  }

  /** Says what is new, once; returns what the endpoint's owner has been told for as long as it is refused. */
  #tell(
    verdict: Verdict,
    { ip, before, slice }: { readonly ip: string; readonly before: string | undefined; readonly slice: EndpointSlice },
  ): string | undefined {
    const { log } = this.#options;
    const facts = { service: `${slice.namespace}/${slice.service}`, ip };
    switch (verdict.is) {
      case 'used':
        if (before !== undefined) log.info('hand-made endpoint is used', facts);
        return undefined;
      case 'not known':
        return before;
      case 'refused':
        if (verdict.reason !== before)
          log.warn('hand-made endpoint is not used', {
            ...facts,
            reason: verdict.reason,
            remedy: 'write endpoints at pods of the project itself, of one joined with it, or of a global one',
          });
        return verdict.reason;
    }
  }

  #isInCluster(ip: Ip): boolean {
    return this.#options.clusterNetworks.some((range) => range.contains(ip));
  }

  #vnidOf(project: string): number | undefined {
    return this.#options.netNamespaces.get(project)?.vnid;
  }
}

const NO_NEEDS: ReadonlyMap<string, Ip> = new Map();
const NOTHING_TOLD: ReadonlyMap<string, string> = new Map();
