import { type KubeClient, type WatchCache, watchKind } from '@tenet/kube';
import {
  type ClusterNetwork,
  type HostSubnet,
  type NetNamespace,
  parseClusterNetwork,
  parseHostSubnet,
  parseNetNamespace,
} from '@tenet/model';
import type { Clock, Logger } from '@tenet/std';

/** The cluster as a node sees it. */
export interface Cluster {
  readonly hostSubnets: WatchCache<HostSubnet>;
  readonly netNamespaces: WatchCache<NetNamespace>;
  readonly clusterNetworks: WatchCache<ClusterNetwork>;
}

/** Follows the objects that a node's network depends on. */
export function watchCluster(
  client: KubeClient,
  options: { readonly log: Logger; readonly clock: Clock; readonly random: () => number; readonly signal: AbortSignal },
): Cluster {
  return {
    hostSubnets: watchKind(client, 'HostSubnet', { ...options, project: parseHostSubnet }),
    netNamespaces: watchKind(client, 'NetNamespace', { ...options, project: parseNetNamespace }),
    clusterNetworks: watchKind(client, 'ClusterNetwork', { ...options, project: parseClusterNetwork }),
  };
}
