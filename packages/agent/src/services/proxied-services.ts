import type { Service } from '@tenet/model';
import type { NodeNetwork } from '@tenet/pipeline';
import { type ProxyNode, ServiceTable } from '@tenet/proxy';
import type { Clock, Logger, Prefix } from '@tenet/std';
import type { Cluster, WatchedSlice } from '../watch-cluster.ts';
import { type ProjectsAtOptions, projectsAt } from './projects-at.ts';
import { VouchedEndpoints } from './vouched-endpoints.ts';

export interface ProxiedServicesOptions {
  readonly nodeName: string;
  readonly node: NodeNetwork;
  readonly nodePortAddresses: readonly Prefix[];
  readonly cluster: Pick<Cluster, 'services' | 'endpointSlices' | 'ownNode' | 'netNamespaces'>;
  /** Asked whose pods hand-made endpoints are. */
  readonly client: ProjectsAtOptions['client'];
  /** Hears that something has changed. */
  readonly onChange: () => void;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What had changed before a look at the table. */
export interface HeardChanges {
  /** Services and slices. */
  readonly count: number;
  /** When each endpoint slice came to say what it says, in milliseconds since the epoch. */
  readonly slicesMs: readonly number[];
}

/** However many endpoints somebody has written by hand, services are not forwarded later than this because of them. */
const VOUCHED_WITHIN_MS = 5_000;

/** Keeps the table of services as the API server has them. */
export class ProxiedServices implements Disposable {
  readonly table: ServiceTable;
  readonly #options: ProxiedServicesOptions;
  readonly #vouched: VouchedEndpoints;
  readonly #listening: readonly Disposable[];
  readonly #services = new Set<string>();
  readonly #slices = new Map<string, number | undefined>();
  /** Slices of whose endpoints something else is known. */
  readonly #doubtful = new Set<string>();
  #zone: string | undefined;

  constructor(options: ProxiedServicesOptions) {
    const { node, cluster, client, onChange, log, clock, signal } = options;
    this.#options = options;
    this.table = new ServiceTable(this.node);
    this.#vouched = new VouchedEndpoints({
      clusterNetworks: node.clusterNetworks,
      netNamespaces: cluster.netNamespaces,
      projectsAt: (ip) => projectsAt(ip, { client, signal }),
      onChange: (slices) => {
        for (const key of slices) this.#doubtful.add(key);
        onChange();
      },
      ...{ log, clock, signal },
    });
    const hear = (take: (changed: Iterable<string>) => void) => (changed: ReadonlySet<string>) => {
      take(changed);
      onChange();
    };
    this.#takeServices(cluster.services.entries.keys());
    this.#takeSlices(cluster.endpointSlices.entries.keys());
    this.#takeNode();
    this.#listening = [
      cluster.services.onChange(hear((changed) => this.#takeServices(changed))),
      cluster.endpointSlices.onChange(hear((changed) => this.#takeSlices(changed))),
      cluster.ownNode.onChange(hear(() => this.#takeNode())),
    ];
  }

  /** What forwarding depends on besides services. */
  get node(): ProxyNode {
    const { nodeName, node, nodePortAddresses } = this.#options;
    const { nodeIp, clusterNetworks, serviceNetwork } = node;
    const zone = this.#zone === undefined ? {} : { zone: this.#zone };
    return { name: nodeName, ...zone, nodeIp, clusterNetworks, serviceNetwork, nodePortAddresses };
  }

  /** Resolves when nothing is missing because it has not been heard yet. */
  async synced(): Promise<void> {
    const { cluster, clock, signal } = this.#options;
    const { services, endpointSlices, ownNode, netNamespaces } = cluster;
    await Promise.all([services.synced, endpointSlices.synced, ownNode.synced, netNamespaces.synced]);
    // What was vouched for before this daemon began is in the kernel, and would be taken out and put in again.
    await Promise.race([this.#vouched.tried(), clock.sleep(VOUCHED_WITHIN_MS, signal)]);
  }

  /** How many changes were heard since they were taken last. */
  get pending(): number {
    return this.#services.size + this.#slices.size + this.#doubtful.size;
  }

  /** What has changed since the last call, which the table knows. */
  take(): HeardChanges {
    const count = this.pending;
    const slicesMs = [...this.#slices.values()].flatMap((ms) => ms ?? []);
    // Answers come one by one: a slice of a thousand endpoints is vetted once for many.
    for (const key of this.#doubtful) this.#putSlice(key);
    this.#doubtful.clear();
    this.#services.clear();
    this.#slices.clear();
    return { count, slicesMs };
  }

  [Symbol.dispose](): void {
    this.#vouched[Symbol.dispose]();
    for (const listening of this.#listening) listening[Symbol.dispose]();
  }

  #takeServices(changed: Iterable<string>): void {
    const { services } = this.#options.cluster;
    for (const key of changed) {
      const service: Service | undefined = services.get(key);
      this.table.setService(key, service);
      for (const slice of this.table.sliceKeysOf(key)) this.#putSlice(slice);
      this.#services.add(key);
    }
  }

  #takeSlices(changed: Iterable<string>): void {
    const { endpointSlices } = this.#options.cluster;
    for (const key of changed) {
      const slice: WatchedSlice | undefined = endpointSlices.get(key);
      this.#putSlice(key);
      this.#slices.set(key, slice?.changedMs);
    }
  }

  #putSlice(key: string): void {
    const { services, endpointSlices } = this.#options.cluster;
    const slice = endpointSlices.get(key);
    if (slice === undefined) {
      this.#vouched.forget(key);
      this.table.setSlice(key, undefined);
      return;
    }
    const service = services.get(`${slice.namespace}/${slice.service}`);
    this.table.setSlice(key, this.#vouched.vet(key, { slice, service }));
  }

  #takeNode(): void {
    const { cluster, nodeName } = this.#options;
    this.#zone = cluster.ownNode.get(nodeName)?.zone;
    this.table.setNode(this.node);
  }
}
