import type { HostSubnet } from '@tenet/model';
import type { NodeNetwork, Peer } from '@tenet/pipeline';
import type { Ip, Prefix } from '@tenet/std';
import { peerId } from './node-identity.ts';

/** Another node that is left out, and why. */
export interface RefusedPeer {
  readonly name: string;
  readonly problem: string;
}

/**
 * The other nodes, from all HostSubnets. One that would speak for addresses or pods that are ours or another's is
 * refused: of two that claim the same the older one keeps it, as the controller decides too.
 */
export function peersOf(
  nodeName: string,
  node: NodeNetwork,
  hostSubnets: Iterable<HostSubnet>,
): { readonly peers: readonly Peer[]; readonly refused: readonly RefusedPeer[] } {
  const peers: (Peer & { readonly name: string })[] = [];
  const refused: RefusedPeer[] = [];
  const others = [...hostSubnets].filter(({ name }) => name !== nodeName).sort(byAge);
  for (const { name, uid, hostIp, subnet, fixedVnid } of others) {
    if (subnet === undefined) continue;
    const problem = problemOf({ hostIp, subnet }, node, peers);
    if (problem === undefined) {
      peers.push({ name, id: peerId(uid), hostIp, subnet, ...(fixedVnid === undefined ? {} : { fixedVnid }) });
    } else refused.push({ name, problem });
  }
  return { peers: peers.map(({ name: _, ...peer }) => peer), refused };
}

/** Who came first, then by name: the same on every node and after every restart. */
function byAge(a: HostSubnet, b: HostSubnet): number {
  const [left, right] = a.createdAt === b.createdAt ? [a.name, b.name] : [a.createdAt, b.createdAt];
  return left < right ? -1 : 1;
}

/** Why a claim cannot be believed; undefined when it can. */
function problemOf(
  { hostIp, subnet }: { readonly hostIp: Ip; readonly subnet: Prefix },
  node: NodeNetwork,
  peers: readonly (Peer & { readonly name: string })[],
): string | undefined {
  const { clusterNetworks, serviceNetwork } = node;
  if (hostIp.equals(node.nodeIp)) return `its hostIP ${hostIp} is this node's`;
  if (subnet.overlaps(node.subnet)) return `its subnet ${subnet} overlaps this node's ${node.subnet}`;
  if (!clusterNetworks.some((cluster) => cluster.contains(subnet.address) && cluster.contains(subnet.last))) {
    return `its subnet ${subnet} is outside the cluster network`;
  }
  if ([...clusterNetworks, serviceNetwork].some((network) => network.contains(hostIp))) {
    return `its hostIP ${hostIp} is inside the cluster or service network`;
  }
  const twin = peers.find((peer) => peer.hostIp.equals(hostIp) || peer.subnet.overlaps(subnet));
  return twin === undefined
    ? undefined
    : `its hostIP ${hostIp} or subnet ${subnet} is claimed by HostSubnet ${twin.name} too`;
}
