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
  #owners = new Map<string, readonly (readonly [key: string, flow: Flow])[]>();
  #flows: FlowMap = new Map();
  /** What each owner is, as text: nodes and peers come as the same objects again and again. */
  readonly #texts = new WeakMap<object, string>();

  /** The flows that the inputs ask for, by identity; the very same map when nothing has changed. */
  compile({ node, pods, peers }: FlowInputs): FlowMap {
    const before = this.#owners;
    const now: typeof before = new Map();
    const nodeKey = this.#textOf(node);
    let isNew = false;

    function add(owner: string, compileOwner: () => Flow[]): void {
      const key = `${nodeKey} ${owner}`;
      const known = before.get(key);
      if (known === undefined) isNew = true;
      now.set(key, known ?? compileOwner().map((flow) => [flowKey(flow), flow] as const));
    }

    add('static', () => staticFlows(node));
    for (const pod of pods) add(`pod ${this.#textOf(pod)}`, () => podFlows(node, pod));
    for (const peer of peers) add(`peer ${this.#textOf(peer)}`, () => peerFlows(node, peer));
    for (const vnid of projectsOf(pods)) add(`project ${vnid}`, () => projectFlows(node, vnid));
    if (isNew || now.size !== before.size) this.#flows = new Map([...now.values()].flat());
    this.#owners = now;
    return this.#flows;
  }

  #textOf(owner: object): string {
    const text = this.#texts.get(owner) ?? JSON.stringify(owner);
    this.#texts.set(owner, text);
    return text;
  }
}

/** The projects that have a pod here, each once. */
function projectsOf(pods: readonly PodPort[]): ReadonlySet<Vnid> {
  return new Set(pods.map((pod) => pod.vnid));
}
