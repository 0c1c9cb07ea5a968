/** Annotation keys, as openshift-sdn, `oc` and Kubernetes use them. */
export const ANNOTATION = {
  /** HostSubnet: the UID of the Node that owns it, written by the controller. */
  nodeUid: 'pod.network.openshift.io/node-uid',
  /** HostSubnet: presence asks the controller for a subnet, for a host that is no Node. */
  assignSubnet: 'pod.network.openshift.io/assign-subnet',
  /** HostSubnet: all traffic sent to that host bears this VNID. */
  fixedVnidHost: 'pod.network.openshift.io/fixed-vnid-host',
  /** NetNamespace: a one-shot request, `global`, `join:<namespace>` or `isolate`. */
  changeNetwork: 'pod.network.openshift.io/multitenant.change-network',
  /** NetNamespace: exactly `true` enables multicast. */
  multicastEnabled: 'netnamespace.network.openshift.io/multicast-enabled',
  /** Service: when it was put to sleep (RFC 3339), as `oc idle` writes it; taken away by who wakes it. */
  idledAt: 'idling.alpha.openshift.io/idled-at',
  /** Service: a comma-separated list, of before `spec.loadBalancerSourceRanges`, which wins when both are there. */
  sourceRanges: 'service.beta.kubernetes.io/load-balancer-source-ranges',
  /** EndpointSlice: when what led to this state of it happened (RFC 3339), as its controller writes it. */
  lastChangeTriggerTime: 'endpoints.kubernetes.io/last-change-trigger-time',
} as const;
