import { errorKinds, kind } from '@tenet/std';

/** An Event is for people: of very many endpoints these are enough to find them. */
const TOLD_ENDPOINTS = 3;

/** Everything that the controller refuses, and what the owner of the object can do about it. */
export const { error: controllerError, table: CONTROLLER_ERRORS } = errorKinds({
  SUBNETS_EXHAUSTED: kind<{ name: string; ranges: readonly string[] }>({
    says: ({ name, ranges }) => `no subnet is left for ${name} in ${ranges.join(', ')}`,
    remedy: () => 'add a range to clusterNetworks of ClusterNetwork default, or delete HostSubnets that nobody uses',
  }),
  SUBNET_OVERLAPS: kind<{ name: string; subnet: string; owners: readonly string[] }>({
    says: ({ name, subnet, owners }) => `${subnet} of HostSubnet ${name} overlaps that of ${owners.join(', ')}`,
    remedy: ({ name }) => `delete HostSubnet ${name}, the younger of the two, and restart the pods of that node`,
  }),
  SUBNET_OUTSIDE_RANGES: kind<{ name: string; subnet: string; ranges: readonly string[] }>({
    says: ({ name, subnet, ranges }) => `${subnet} of HostSubnet ${name} is not inside ${ranges.join(' or ')}`,
    remedy: ({ name }) => `delete HostSubnet ${name}, or add its range to clusterNetworks of ClusterNetwork default`,
  }),
  NODE_ADDRESS_MISSING: kind<{ name: string }>({
    says: ({ name }) => `Node ${name} has no address of type InternalIP yet`,
    remedy: () => 'set --node-ip of its kubelet, or wait for the cloud provider to fill in status.addresses',
  }),
  HOST_ADDRESS_UNUSABLE: kind<{ kind: string; name: string; address: string; problem: string }>({
    says: ({ kind: k, name, address, problem }) => `address ${address} of ${k} ${name} ${problem}`,
    remedy: ({ kind: k }) =>
      k === 'Node'
        ? 'set --node-ip of its kubelet to the address that the other nodes reach it at'
        : 'set hostIP to the address that the nodes reach that host at',
  }),
  VNIDS_EXHAUSTED: kind<{ name: string }>({
    says: ({ name }) => `no VNID is left for project ${name}`,
    remedy: () => 'delete projects that nobody uses, or join some of them',
  }),
  CHANGE_REQUEST_REFUSED: kind<{ name: string; request: string; problem: string }>({
    says: ({ name, request, problem }) => `change-network ${JSON.stringify(request)} of project ${name} ${problem}`,
    remedy: () => 'set the annotation to global, isolate or join:<project>, or remove it',
  }),
  ENDPOINT_IGNORED: kind<{ service: string; endpoints: readonly string[] }>({
    says: ({ service, endpoints }) => {
      const more = endpoints.length > TOLD_ENDPOINTS ? ` and ${endpoints.length - TOLD_ENDPOINTS} more` : '';
      return `nothing is sent to ${endpoints.length === 1 ? 'an endpoint' : 'endpoints'} of Service ${service}: ${endpoints.slice(0, TOLD_ENDPOINTS).join(', ')}${more}`;
    },
    remedy: () => 'set the addresses of its EndpointSlices to ones that every node can reach',
  }),
  CLUSTER_NETWORK_CHANGED: kind<{ was: string; is: string }>({
    says: ({ was, is }) => `ClusterNetwork default now says ${is}, but this controller still works with ${was}`,
    remedy: () => 'restore the previous values, or restart the controller and all nodes to work with the new ones',
  }),
});
