import type { Vnid } from '@tenet/model';
import { type Flow, flowKey } from '@tenet/openflow';
import {
  type NodeNetwork,
  type Peer,
  type PodPort,
  peerFlows,
  podFlows,
  projectFlows,
  staticFlows,
} from '@tenet/pipeline';

/** All that br0's flows follow from. */
export interface FlowInputs {
  readonly node: NodeNetwork;
  readonly pods: readonly PodPort[];
  readonly peers: readonly Peer[];
}

export type FlowMap = ReadonlyMap<string, Flow>;

/**
 * Compiles the flows of a node owner by owner, and remembers each owner's, so that one change recomputes one owner.
 */
export class FlowCompiler {
  #compiled = new Map<string, readonly (readonly [key: string, flow: Flow])[]>();

  /** The flows that the inputs ask for, by identity. */
  compile({ node, pods, peers }: FlowInputs): FlowMap {
    const before = this.#compiled;
    const now: typeof before = new Map();
    const flows = new Map<string, Flow>();
    const nodeKey = JSON.stringify(node);

    function add(owner: string, compileOwner: () => Flow[]): void {
      const key = `${nodeKey} ${owner}`;
      const entries = before.get(key) ?? compileOwner().map((flow) => [flowKey(flow), flow] as const);
      now.set(key, entries);
      for (const [identity, flow] of entries) flows.set(identity, flow);
    }

    add('static', () => staticFlows(node));
    for (const pod of pods) add(`pod ${JSON.stringify(pod)}`, () => podFlows(node, pod));
    for (const peer of peers) add(`peer ${JSON.stringify(peer)}`, () => peerFlows(node, peer));
    for (const vnid of projectsOf(pods)) add(`project ${vnid}`, () => projectFlows(node, vnid));
    this.#compiled = now;
    return flows;
  }
}

/** The projects that have a pod here, each once. */
function projectsOf(pods: readonly PodPort[]): ReadonlySet<Vnid> {
  return new Set(pods.map((pod) => pod.vnid));
}
