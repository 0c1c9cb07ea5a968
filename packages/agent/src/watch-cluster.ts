import { type KubeClient, type WatchCache, watchKind } from '@tenet/kube';
import {
  ANNOTATION,
  type ClusterNetwork,
  type EndpointSlice,
  type EndpointSliceObject,
  type HostSubnet,
  LABEL,
  type NetNamespace,
  type NodeObject,
  parseClusterNetwork,
  parseEndpointSlice,
  parseHostSubnet,
  parseNetNamespace,
  parseService,
  type Service,
} from '@tenet/model';
import type { Clock, Logger } from '@tenet/std';

/** The cluster as a node sees it. */
export interface Cluster {
  readonly hostSubnets: WatchCache<HostSubnet>;
  readonly netNamespaces: WatchCache<NetNamespace>;
  readonly clusterNetworks: WatchCache<ClusterNetwork>;
  /** Without headless ones; those of another proxy need flows as all others do. */
  readonly services: WatchCache<Service>;
  readonly endpointSlices: WatchCache<WatchedSlice>;
  /** The Node of this name only; none where a HostSubnet stands for a host that is no Node. */
  readonly ownNode: WatchCache<OwnNode>;
}

export interface WatchedSlice extends EndpointSlice {
  /** When what it says came about, in milliseconds since the epoch: as its controller says, else when it was heard. */
  readonly changedMs: number;
}

interface OwnNode {
  /** Absent without the label. */
  readonly zone?: string;
}

export interface WatchClusterOptions {
  readonly nodeName: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

const WITH_ADDRESS = `!${LABEL.headless}`;
/** Slices of services that are ours to forward: they bear their services' labels. */
const OURS = `!${LABEL.serviceProxyName},${WITH_ADDRESS}`;

/** Follows the objects that a node's network depends on. */
export function watchCluster(client: KubeClient, { nodeName, ...options }: WatchClusterOptions): Cluster {
  return {
    hostSubnets: watchKind(client, 'HostSubnet', { ...options, project: parseHostSubnet }),
    netNamespaces: watchKind(client, 'NetNamespace', { ...options, project: parseNetNamespace }),
    clusterNetworks: watchKind(client, 'ClusterNetwork', { ...options, project: parseClusterNetwork }),
    services: watchKind(client, 'Service', { ...options, labelSelector: WITH_ADDRESS, project: parseService }),
    endpointSlices: watchKind(client, 'EndpointSlice', {
      ...options,
      labelSelector: OURS,
      project: (object) => ({ ...parseEndpointSlice(object), changedMs: changedMs(object, options.clock) }),
    }),
    ownNode: watchKind(client, 'Node', {
      ...options,
      fieldSelector: `metadata.name=${nodeName}`,
      project: ownNode,
      // A kubelet writes the status of its Node every some seconds.
      same: (a, b) => a.zone === b.zone,
    }),
  };
}

function changedMs({ metadata: { annotations = {} } }: EndpointSliceObject, clock: Pick<Clock, 'nowMs'>): number {
  const said = Date.parse(annotations[ANNOTATION.lastChangeTriggerTime] ?? '');
  return Number.isNaN(said) ? clock.nowMs() : said;
}

function ownNode({ metadata: { labels = {} } }: NodeObject): OwnNode {
  const zone = labels[LABEL.zone];
  return zone === undefined ? {} : { zone };
}
