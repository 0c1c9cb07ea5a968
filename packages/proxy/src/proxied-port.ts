import type { ServiceProtocol, TrafficPolicy } from '@tenet/model';
import type { Ip, Prefix } from '@tenet/std';

/** Where a connection to a service may be sent. */
export interface ProxiedEndpoint {
  readonly ip: Ip;
  readonly port: number;
}

/** Where connections are held while a service that sleeps is woken: a socket of this node. */
export interface Portal {
  readonly ip: Ip;
  readonly port: number;
}

/**
 * One port of one service as this node is to forward it: all decisions that need more than the service itself (which
 * endpoints are usable, near, local) are made. What is equal is the same object, so that back ends see by identity
 * what has changed.
 */
export interface ProxiedPort {
  readonly namespace: string;
  readonly service: string;
  /** Empty when it has no name. */
  readonly portName: string;
  readonly protocol: ServiceProtocol;
  readonly clusterIp: Ip;
  readonly port: number;
  readonly nodePort?: number;
  /** Where a load balancer asks whether this node has endpoints: firewalls are to let it. */
  readonly healthCheckNodePort?: number;
  readonly externalIps: readonly Ip[];
  readonly loadBalancerIps: readonly Ip[];
  /** Who may come through the load balancer; everybody when empty. */
  readonly sourceRanges: readonly Prefix[];
  readonly affinitySeconds?: number;
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
  /** For policy Cluster, in order of address and port: those that are ready, or the last ones that still serve. */
  readonly clusterEndpoints: readonly ProxiedEndpoint[];
  /** For policy Local: the same choice among those of this node. */
  readonly localEndpoints: readonly ProxiedEndpoint[];
  /**
   * Some node could serve it. With policy Local and no endpoint here packets are then dropped, not refused: a load
   * balancer must look elsewhere.
   */
  readonly hasEndpointsSomewhere: boolean;
  /** Present while it sleeps: it has no endpoint, and new connections go here. */
  readonly portal?: Portal;
}

/** What a node's forwarding of services depends on, but the services. */
export interface ProxyNode {
  readonly name: string;
  /** Its label `topology.kubernetes.io/zone`. */
  readonly zone?: string;
  /** Its address in the underlay: where that may come through a load balancer, what the node itself sends may. */
  readonly nodeIp?: Ip;
  /** Every range of pod addresses of the cluster. */
  readonly clusterNetworks: readonly Prefix[];
  readonly serviceNetwork: Prefix;
  /** Which of its own addresses node ports are open at; all of them when empty. */
  readonly nodePortAddresses: readonly Prefix[];
}

/** The name by which people and chains know it: `logging/logging-es`, with a named port `logging/logging-es:http`. */
export function portLabel({ namespace, service, portName }: ProxiedPort): string {
  return `${namespace}/${service}${portName === '' ? '' : `:${portName}`}`;
}
