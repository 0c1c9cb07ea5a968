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
export {
  ENDPOINT_SLICE_CONTROLLER,
  type EndpointSlice,
  parseEndpointSlice,
  type ServiceEndpoint,
  type SlicePort,
} from './endpoint-slice.ts';
export { MODEL_ERRORS, modelError } from './errors.ts';
export { gatewayOf, type HostSubnet, parseHostSubnet } from './host-subnet.ts';
export { apiVersionOf, KINDS, type KindName, type KindSpec, kindPath, type ObjectOf } from './kinds.ts';
export { LABEL } from './labels.ts';
export { type NetNamespace, parseNetNamespace } from './net-namespace.ts';
export type {
  ClusterNetworkObject,
  ContainerPort,
  EndpointSliceObject,
  EventObject,
  HostSubnetObject,
  KubeObject,
  NamespaceObject,
  NetNamespaceObject,
  NodeObject,
  ObjectMeta,
  PodObject,
  ServiceObject,
} from './objects.ts';
export {
  DEFAULT_AFFINITY_SECONDS,
  NOBODY,
  parseService,
  type Service,
  type ServicePort,
  type TrafficPolicy,
} from './service.ts';
export type { ServiceProtocol } from './transport.ts';
export { FIRST_ALLOCATED_VNID, GLOBAL_VNID, MAX_VNID, type Vnid, vnidOf } from './vnid.ts';
