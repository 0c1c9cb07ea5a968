import { GLOBAL_VNID, type TrafficPolicy } from '@tenet/model';
import type { DropClass } from '@tenet/pipeline';
import type { Ip } from '@tenet/std';
import type { Endpoint, NodeEndpoint } from './endpoint.ts';

export type PodEndpoint = Extract<Endpoint, { readonly kind: 'pod' }>;

/** Where a service is asked. */
export type ServiceAddress =
  | { readonly kind: 'cluster IP' }
  | { readonly kind: 'node port'; readonly node: NodeEndpoint }
  /** An external IP or a load balancer's: no node has it, and the network leads it to this one. */
  | { readonly kind: 'published'; readonly entry: NodeEndpoint };

/** A service as far as it decides who reaches it. */
export interface AskedService {
  /** Of its project. */
  readonly vnid: number;
  readonly externalTrafficPolicy: TrafficPolicy;
  /** The pods behind it, which may be of other projects. */
  readonly endpoints: readonly PodEndpoint[];
}

/** What may become of one request: as many as there are endpoints to choose from. */
export type ServiceOutcome =
  /** The pod answers, and has seen this client. */
  | { readonly kind: 'reaches'; readonly pod: PodEndpoint; readonly client: Ip }
  /** "No such port", at once. */
  | { readonly kind: 'refused' }
  /** The switch of this node drops and counts it. */
  | { readonly kind: 'dropped'; readonly by: NodeEndpoint; readonly as: DropClass }
  /** The host's guard of this name does, on the node where it comes in. */
  | { readonly kind: 'guarded'; readonly by: NodeEndpoint; readonly as: string }
  /** Nothing comes back, and nothing is counted: a load balancer is to ask another node. */
  | { readonly kind: 'ignored' };

/**
 * What Kubernetes and multitenancy promise to somebody who asks a service. A cluster IP is for pods that may speak with
 * its project, and for nodes. What is published is for everybody, except where the endpoint sees who asks (policy
 * Local): there its project decides, as for any packet of a pod.
 */
export function expectService(from: Endpoint, address: ServiceAddress, service: AskedService): ServiceOutcome[] {
  return address.kind === 'cluster IP' ? atClusterIp(from, service) : atPublished(from, address, service);
}

function atClusterIp(from: Endpoint, service: AskedService): ServiceOutcome[] {
  const { endpoints } = service;
  switch (from.kind) {
    case 'outside':
      throw new RangeError('the way of a cluster IP from outside depends on who routes it: see expectRouted');
    case 'pod':
      if (!mayTalk(from.vnid, service.vnid)) return [{ kind: 'dropped', by: from.node, as: 'foreign-service' }];
      return endpoints.length === 0 ? [{ kind: 'refused' }] : endpoints.map((pod) => asItself(from, pod));
    case 'node':
      return asNode(from, endpoints);
  }
}

/** A request to a cluster IP that somebody outside has routed to this node all the same. */
export function expectRouted(by: NodeEndpoint): ServiceOutcome[] {
  return [{ kind: 'guarded', by, as: 'outside-to-service' }];
}

function atPublished(
  from: Endpoint,
  address: Exclude<ServiceAddress, { kind: 'cluster IP' }>,
  { externalTrafficPolicy, endpoints }: AskedService,
): ServiceOutcome[] {
  if (endpoints.length === 0) return [{ kind: 'refused' }];
  const here = homeOf(from);
  // Every node knows every published address, so nobody's request to one leaves the own node; to a node port it does.
  const node = address.kind === 'node port' ? address.node : (here ?? address.entry);
  const isOwn = node === here;
  switch (externalTrafficPolicy) {
    case 'Cluster':
      return asNode(node, endpoints);
    case 'Local': {
      // Who is in the cluster already may go to any endpoint.
      if (isOwn) return from.kind === 'pod' ? endpoints.map((pod) => asItself(from, pod)) : asNode(node, endpoints);
      const local = endpoints.filter((pod) => pod.node === node);
      const client = here === undefined ? from.ip : here.ip;
      return local.length === 0 ? [{ kind: 'ignored' }] : local.map((pod) => ({ kind: 'reaches', pod, client }));
    }
  }
}

/** The node translates the source, too: to the address by which all pods know it, and which all pods let in. */
function asNode(node: NodeEndpoint, endpoints: readonly PodEndpoint[]): ServiceOutcome[] {
  if (endpoints.length === 0) return [{ kind: 'refused' }];
  return endpoints.map((pod) => ({ kind: 'reaches', pod, client: node.gateway }));
}

/** A pod keeps its address, so the endpoint's own project is asked; one that meets itself would not answer itself. */
function asItself(from: PodEndpoint, pod: PodEndpoint): ServiceOutcome {
  if (!mayTalk(from.vnid, pod.vnid)) return { kind: 'dropped', by: pod.node, as: 'tenant-mismatch' };
  return { kind: 'reaches', pod, client: pod === from ? from.node.gateway : from.ip };
}

function homeOf(from: Endpoint): NodeEndpoint | undefined {
  if (from.kind === 'pod') return from.node;
  return from.kind === 'node' ? from : undefined;
}

function mayTalk(a: number, b: number): boolean {
  return a === b || a === GLOBAL_VNID || b === GLOBAL_VNID;
}
