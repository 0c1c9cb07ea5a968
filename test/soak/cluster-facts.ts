import { createHash } from 'node:crypto';
import type { KubeClient } from '@tenet/kube';
import {
  gatewayOf,
  parseClusterNetwork,
  parseHostSubnet,
  parseNetNamespace,
  parseService,
  type Vnid,
} from '@tenet/model';
import type { ClusterService, NodeNetwork, Peer } from '@tenet/pipeline';
import { Mac } from '@tenet/std';

/** What the cluster's objects say at one moment: all that rules and flows follow from but the pods' ports. */
export interface ClusterFacts {
  readonly nodes: ReadonlyMap<string, NodeNetwork>;
  peersOf(node: string): readonly Peer[];
  vnidOf(project: string): Vnid | undefined;
  /** Those with a cluster IP. */
  readonly services: readonly ClusterService[];
}

export async function clusterFacts(kube: KubeClient, datapath: NodeNetwork['datapath']): Promise<ClusterFacts> {
  const [networks, hostSubnets, netNamespaces, services] = await Promise.all([
    kube.list('ClusterNetwork'),
    kube.list('HostSubnet'),
    kube.list('NetNamespace'),
    kube.list('Service'),
  ]);
  const [network] = networks.items.map(parseClusterNetwork);
  if (network === undefined) throw new RangeError('the cluster has no ClusterNetwork');
  const hosts = hostSubnets.items
    .map(parseHostSubnet)
    .flatMap(({ subnet, ...host }) => (subnet ? [{ ...host, subnet }] : []));
  const vnids = new Map(netNamespaces.items.map(parseNetNamespace).map(({ name, vnid }) => [name, vnid]));
  return {
    nodes: new Map(
      hosts.map(({ name, hostIp, subnet }) => {
        const gateway = gatewayOf(subnet);
        const { serviceNetwork, vxlanPort, mtuBytes, ranges } = network;
        const own = { subnet, gateway, gatewayMac: Mac.fromIpv4(gateway), nodeIp: hostIp };
        return [
          name,
          { datapath, clusterNetworks: ranges.map(({ cidr }) => cidr), serviceNetwork, vxlanPort, mtuBytes, ...own },
        ];
      }),
    ),
    peersOf: (node) =>
      hosts
        .filter(({ name }) => name !== node)
        .map(({ uid, hostIp, subnet }) => ({ id: ownerId(uid), hostIp, subnet })),
    vnidOf: (project) => vnids.get(project),
    services: services.items.map(parseService).flatMap(({ uid, namespace, clusterIps: [clusterIp], ports }) => {
      const vnid = vnids.get(namespace);
      return clusterIp === undefined || vnid === undefined ? [] : [{ id: ownerId(uid), clusterIp, vnid, ports }];
    }),
  };
}

/** The first four bytes of SHA-256 of the UID of a HostSubnet or a Service: part of the cookies of its flows. */
function ownerId(uid: string): number {
  return createHash('sha256').update(uid).digest().readUInt32BE(0);
}
