import type { ClusterNetworkObject, ContainerPort, ServiceObject } from '@tenet/model';

/** A cluster to bring up: all that is not the same in every lab. Addresses are text, as a user writes them. */
export interface ClusterSpec {
  readonly underlay: {
    /** The nodes' network. */
    readonly network: string;
    /** Its router, which the lab plays too. */
    readonly gateway: string;
    /** Addresses of it that the router sends to a node, though no node has them: what external IPs and load balancers use. */
    readonly published: readonly { readonly network: string; readonly node: string }[];
  };
  /** A host behind the router: the Internet. The router has the first address of its /24. */
  readonly outside: string;
  readonly clusterNetwork: ClusterNetworkObject;
  readonly nodes: readonly NodeSpec[];
  readonly namespaces: readonly NamespaceSpec[];
  readonly pods: readonly PodSpec[];
  readonly services: readonly ServiceSpec[];
}

export interface NodeSpec {
  readonly name: string;
  readonly ip: string;
  /** Made before the controller starts; without it the controller chooses. */
  readonly subnet?: string;
}

export interface NamespaceSpec {
  readonly name: string;
  /** Made before the controller starts; without it the controller chooses. */
  readonly vnid?: number;
}

export interface PodSpec {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What runs in it, beside an answerer. */
  readonly program?: PodProgram;
  /** The address that the runtime asks the plugin for. */
  readonly ip?: string;
  /** Ports that it answers on, beside 8080/tcp and 8081/udp. */
  readonly ports?: readonly ContainerPort[];
}

/** `router`: an HTTP proxy on port 80 that leads each host to the service which asks for it. */
type PodProgram = 'router';

export interface ServiceSpec {
  readonly namespace: string;
  readonly name: string;
  /** The host by which a router leads to it. */
  readonly host?: string;
  readonly spec: ServiceObject['spec'];
}
