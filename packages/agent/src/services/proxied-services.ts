import type { Service } from '@tenet/model';
import type { NodeNetwork } from '@tenet/pipeline';
import { type ProxyNode, ServiceTable } from '@tenet/proxy';
import type { Prefix } from '@tenet/std';
import type { Cluster, WatchedSlice } from '../watch-cluster.ts';

export interface ProxiedServicesOptions {
  readonly nodeName: string;
  readonly node: NodeNetwork;
  readonly nodePortAddresses: readonly Prefix[];
  readonly cluster: Pick<Cluster, 'services' | 'endpointSlices' | 'ownNode'>;
  /** Hears that something has changed. */
  readonly onChange: () => void;
}

/** What had changed before a look at the table. */
export interface HeardChanges {
  /** Services and slices. */
  readonly count: number;
  /** When each endpoint slice came to say what it says, in milliseconds since the epoch. */
  readonly slicesMs: readonly number[];
}

/** Keeps the table of services as the API server has them. */
export class ProxiedServices implements Disposable {
  readonly table: ServiceTable;
  readonly #options: ProxiedServicesOptions;
  readonly #listening: readonly Disposable[];
  readonly #services = new Set<string>();
  readonly #slices = new Map<string, number | undefined>();
  #zone: string | undefined;

  constructor(options: ProxiedServicesOptions) {
    const { cluster, onChange } = options;
    this.#options = options;
    this.table = new ServiceTable(this.node);
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
    const { services, endpointSlices, ownNode } = this.#options.cluster;
    await Promise.all([services.synced, endpointSlices.synced, ownNode.synced]);
  }

  /** How many changes were heard since they were taken last. */
  get pending(): number {
    return this.#services.size + this.#slices.size;
  }

  /** What has changed since the last call, which the table knows. */
  take(): HeardChanges {
    const count = this.pending;
    const slicesMs = [...this.#slices.values()].flatMap((ms) => ms ?? []);
    this.#services.clear();
    this.#slices.clear();
    return { count, slicesMs };
  }

  [Symbol.dispose](): void {
    for (const listening of this.#listening) listening[Symbol.dispose]();
  }

  #takeServices(changed: Iterable<string>): void {
    const { services } = this.#options.cluster;
    for (const key of changed) {
      const service: Service | undefined = services.get(key);
      this.table.setService(key, service);
      this.#services.add(key);
    }
  }

  #takeSlices(changed: Iterable<string>): void {
    const { endpointSlices } = this.#options.cluster;
    for (const key of changed) {
      const slice: WatchedSlice | undefined = endpointSlices.get(key);
      this.table.setSlice(key, slice);
      this.#slices.set(key, slice?.changedMs);
    }
  }

  #takeNode(): void {
    const { cluster, nodeName } = this.#options;
    this.#zone = cluster.ownNode.get(nodeName)?.zone;
    this.table.setNode(this.node);
  }
}
