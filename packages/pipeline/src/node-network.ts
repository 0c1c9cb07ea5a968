import type { ServicePort, Vnid } from '@tenet/model';
import type { Ip, Mac, Prefix } from '@tenet/std';

/** `system` is the kernel's datapath, `netdev` the one in userspace. */
export type Datapath = 'system' | 'netdev';

/** All that the flows of a node depend on, but its pods, peers, projects and services. */
export interface NodeNetwork {
  readonly datapath: Datapath;
  /** Every range of pod addresses of the cluster. */
  readonly clusterNetworks: readonly Prefix[];
  readonly serviceNetwork: Prefix;
  /** This node's pods. */
  readonly subnet: Prefix;
  /** tun0's address: the first of the subnet. */
  readonly gateway: Ip;
  readonly gatewayMac: Mac;
  readonly nodeIp: Ip;
  readonly vxlanPort: number;
  readonly mtuBytes: number;
}

/** A pod of this node, as the switch sees it. */
export interface PodPort {
  readonly ip: Ip;
  readonly mac: Mac;
  readonly ofPort: number;
  readonly vnid: Vnid;
}

/** Another node. */
export interface Peer {
  /** A hash of the UID of its HostSubnet, 32 bits: two nodes that swap addresses keep their flows apart. */
  readonly id: number;
  readonly hostIp: Ip;
  readonly subnet: Prefix;
  /** A host that knows one VNID only: all that is sent to it bears this one. */
  readonly fixedVnid?: Vnid;
}

/** A service at its cluster IP, as the switch sees it. */
export interface ClusterService {
  /** A hash of the UID of its Service, 32 bits. */
  readonly id: number;
  readonly clusterIp: Ip;
  /** Of its project. */
  readonly vnid: Vnid;
  readonly ports: readonly Pick<ServicePort, 'protocol' | 'port'>[];
}
