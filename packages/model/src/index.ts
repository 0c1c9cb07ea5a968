export { ANNOTATION } from './annotations.ts';
export {
  type ClusterNetwork,
  type ClusterRange,
  DEFAULT_MTU_BYTES,
  DEFAULT_VXLAN_PORT,
  PLUGIN_NAME,
  parseClusterNetwork,
  VXLAN_OVERHEAD_BYTES,
} from './cluster-network.ts';
export { MODEL_ERRORS, modelError } from './errors.ts';
export { gatewayOf, type HostSubnet, parseHostSubnet } from './host-subnet.ts';
export { apiVersionOf, KINDS, type KindName, type KindSpec, kindPath, type ObjectOf } from './kinds.ts';
export { type NetNamespace, parseNetNamespace } from './net-namespace.ts';
export type {
  ClusterNetworkObject,
  ContainerPort,
  EventObject,
  HostSubnetObject,
  KubeObject,
  NamespaceObject,
  NetNamespaceObject,
  NodeObject,
  ObjectMeta,
  PodObject,
} from './objects.ts';
export { FIRST_ALLOCATED_VNID, GLOBAL_VNID, MAX_VNID, type Vnid, vnidOf } from './vnid.ts';
