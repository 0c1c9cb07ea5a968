import type {
  ClusterNetworkObject,
  EndpointSliceObject,
  EventObject,
  HostSubnetObject,
  NamespaceObject,
  NetNamespaceObject,
  NodeObject,
  PodObject,
  ServiceObject,
} from './objects.ts';

/** Where a kind lives in the API. */
export interface KindSpec {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Every kind that Tenet reads or writes. Paths, caches and the lab's API server are derived from this table. */
export const KINDS = {
  Node: { group: '', version: 'v1', plural: 'nodes', namespaced: false },
  Namespace: { group: '', version: 'v1', plural: 'namespaces', namespaced: false },
  Pod: { group: '', version: 'v1', plural: 'pods', namespaced: true },
  Service: { group: '', version: 'v1', plural: 'services', namespaced: true },
  EndpointSlice: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', namespaced: true },
  Event: { group: '', version: 'v1', plural: 'events', namespaced: true },
  ClusterNetwork: { group: 'network.openshift.io', version: 'v1', plural: 'clusternetworks', namespaced: false },
  HostSubnet: { group: 'network.openshift.io', version: 'v1', plural: 'hostsubnets', namespaced: false },
  NetNamespace: { group: 'network.openshift.io', version: 'v1', plural: 'netnamespaces', namespaced: false },
} as const satisfies Record<string, KindSpec>;

export type KindName = keyof typeof KINDS;

/** The object type of each kind. */
export interface ObjectOf {
  Node: NodeObject;
  Namespace: NamespaceObject;
  Pod: PodObject;
  Service: ServiceObject;
  EndpointSlice: EndpointSliceObject;
  Event: EventObject;
  ClusterNetwork: ClusterNetworkObject;
  HostSubnet: HostSubnetObject;
  NetNamespace: NetNamespaceObject;
}

/** The URL path of a collection, or of one object when a name is given. */
export function kindPath(kind: KindName, { namespace, name }: { namespace?: string; name?: string } = {}): string {
  const spec: KindSpec = KINDS[kind];
  const base = spec.group === '' ? `/api/${spec.version}` : `/apis/${spec.group}/${spec.version}`;
  const scope = spec.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${base}${scope}/${spec.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

/** `group/version` as in an object's `apiVersion`. */
export function apiVersionOf(kind: KindName): string {
  const spec: KindSpec = KINDS[kind];
  return spec.group === '' ? spec.version : `${spec.group}/${spec.version}`;
}
