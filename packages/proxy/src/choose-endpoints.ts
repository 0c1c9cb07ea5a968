/**
 * Which of a port's endpoints this node may send connections to, as Kubernetes promises it: traffic policies,
 * topology hints (KEP-2433, KEP-3015), and endpoints that are terminating as the last resort (KEP-1669).
 */
import { Ip } from '@tenet/std';
import type { ProxiedEndpoint, ProxyNode } from './proxied-port.ts';

/** An endpoint as its slices tell of it. */
export interface Candidate extends ProxiedEndpoint {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Empty for an endpoint that no node holds. */
  readonly nodeName: string;
  readonly forZones: readonly string[];
  readonly forNodes: readonly string[];
}

export interface ChosenEndpoints {
  /** In order of address and port, as all here. */
  readonly clusterEndpoints: readonly ProxiedEndpoint[];
  readonly localEndpoints: readonly ProxiedEndpoint[];
  readonly hasEndpointsSomewhere: boolean;
}

/** Chooses for policy Cluster and for policy Local; an endpoint that several slices name must be one candidate. */
export function chooseEndpoints(
  candidates: readonly Candidate[],
  node: Pick<ProxyNode, 'name' | 'zone'>,
): ChosenEndpoints {
  const sorted = candidates.toSorted((a, b) => Ip.compare(a.ip, b.ip) || a.port - b.port);
  const anywhere = usable(sorted);
  const here = usable(sorted.filter(({ nodeName }) => nodeName === node.name));
  return {
    clusterEndpoints: near(anywhere, node).map(bare),
    localEndpoints: here.map(bare),
    hasEndpointsSomewhere: anywhere.length > 0,
  };
}

/** How good it is: 2 takes new connections, 1 only while there is none of those, 0 never. */
export function rankOf({ ready, serving, terminating }: Omit<Candidate, keyof ProxiedEndpoint>): 0 | 1 | 2 {
  if (ready) return 2;
  return serving && terminating ? 1 : 0;
}

function usable(candidates: readonly Candidate[]): readonly Candidate[] {
  const ready = candidates.filter((candidate) => rankOf(candidate) === 2);
  return ready.length > 0 ? ready : candidates.filter((candidate) => rankOf(candidate) === 1);
}

/**
 * Those that are hinted for this node, else for its zone. Hints count only when every ready endpoint has them and one
 * is for here: otherwise they are on their way to change, and all endpoints are better than few or none.
 */
function near(usables: readonly Candidate[], { name, zone }: Pick<ProxyNode, 'name' | 'zone'>): readonly Candidate[] {
  if (usables.some(({ ready }) => !ready)) return usables;
  const forHere = [
    usables.every(({ forNodes }) => forNodes.length > 0)
      ? usables.filter(({ forNodes }) => forNodes.includes(name))
      : [],
    zone !== undefined && usables.every(({ forZones }) => forZones.length > 0)
      ? usables.filter(({ forZones }) => forZones.includes(zone))
      : [],
  ];
  return forHere.find(({ length }) => length > 0) ?? usables;
}

function bare({ ip, port }: Candidate): ProxiedEndpoint {
  return { ip, port };
}
