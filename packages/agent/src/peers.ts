import type { HostSubnet } from '@tenet/model';
import type { NodeNetwork, Peer } from '@tenet/pipeline';
import type { Ip, Prefix } from '@tenet/std';
import { ownerId } from './owner-id.ts';

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
  const peers: Peer[] = [];
  const refused: RefusedPeer[] = [];
  const others = [...hostSubnets].filter(({ name }) => name !== nodeName).sort(byAge);
  const claims = new Claims(others.flatMap(({ subnet }) => subnet?.length ?? []));
  for (const { name, uid, hostIp, subnet, fixedVnid } of others) {
    if (subnet === undefined) continue;
    const problem = problemOf({ hostIp, subnet }, node) ?? claims.problemOf({ hostIp, subnet });
    if (problem === undefined) {
      claims.add(name, { hostIp, subnet });
      peers.push({ id: ownerId(uid), hostIp, subnet, ...(fixedVnid === undefined ? {} : { fixedVnid }) });
    } else refused.push({ name, problem });
  }
  return { peers, refused };
}

/** What a HostSubnet says is its node's. */
interface Claim {
  readonly hostIp: Ip;
  readonly subnet: Prefix;
}

/** What was claimed already, found without going through all of it: a cluster has thousands of nodes. */
class Claims {
  /** The lengths of all subnets: one, in nearly every cluster. */
  readonly #lengths: readonly number[];
  readonly #hostIps = new Map<string, string>();
  readonly #subnets = new Map<string, string>();
  /** Each prefix of one of those lengths that holds a claimed subnet. */
  readonly #around = new Map<string, string>();

  constructor(lengths: readonly number[]) {
    this.#lengths = [...new Set(lengths)];
  }

  add(name: string, { hostIp, subnet }: Claim): void {
    this.#hostIps.set(hostIp.toString(), name);
    this.#subnets.set(prefixKey(subnet, subnet.length), name);
    for (const length of this.#lengths) if (length <= subnet.length) this.#around.set(prefixKey(subnet, length), name);
  }

  problemOf({ hostIp, subnet }: Claim): string | undefined {
    const within = this.#lengths.find(
      (length) => length <= subnet.length && this.#subnets.has(prefixKey(subnet, length)),
    );
    const twin =
      this.#hostIps.get(hostIp.toString()) ??
      this.#around.get(prefixKey(subnet, subnet.length)) ??
      (within === undefined ? undefined : this.#subnets.get(prefixKey(subnet, within)));
    return twin === undefined
      ? undefined
      : `its hostIP ${hostIp} or subnet ${subnet} is claimed by HostSubnet ${twin} too`;
  }
}

/** The prefix of this length that holds the subnet. */
function prefixKey({ address }: Prefix, length: number): string {
  return `${address.value >> BigInt((address.family === 4 ? 32 : 128) - length)}/${length}`;
}

/** Who came first, then by name: the same on every node and after every restart. */
function byAge(a: HostSubnet, b: HostSubnet): number {
  const [left, right] = a.createdAt === b.createdAt ? [a.name, b.name] : [a.createdAt, b.createdAt];
  return left < right ? -1 : 1;
}

/** Why a claim cannot be believed; undefined when it can. */
function problemOf({ hostIp, subnet }: Claim, node: NodeNetwork): string | undefined {
  const { clusterNetworks, serviceNetwork } = node;
  if (hostIp.equals(node.nodeIp)) return `its hostIP ${hostIp} is this node's`;
  if (subnet.overlaps(node.subnet)) return `its subnet ${subnet} overlaps this node's ${node.subnet}`;
  if (!clusterNetworks.some((cluster) => cluster.contains(subnet.address) && cluster.contains(subnet.last))) {
    return `its subnet ${subnet} is outside the cluster network`;
  }
  if ([...clusterNetworks, serviceNetwork].some((network) => network.contains(hostIp))) {
    return `its hostIP ${hostIp} is inside the cluster or service network`;
  }
  return undefined;
}
