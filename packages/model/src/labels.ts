/** Label keys, as Kubernetes gives them their meaning. */
export const LABEL = {
  /** Service: its presence says that another proxy than the cluster's own serves it. */
  serviceProxyName: 'service.kubernetes.io/service-proxy-name',
  /** Service, and its slices: its presence says that there is no cluster IP to forward from. */
  headless: 'service.kubernetes.io/headless',
  /** EndpointSlice: the name of its service. */
  serviceName: 'kubernetes.io/service-name',
  /** EndpointSlice: who says that it keeps it. */
  managedBy: 'endpointslice.kubernetes.io/managed-by',
  /** Node: the zone that it is in. */
  zone: 'topology.kubernetes.io/zone',
} as const;
