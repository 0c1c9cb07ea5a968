import type { Vnid } from '@tenet/model';
import { type Flow, flowKey } from '@tenet/openflow';
import {
  type ClusterService,
  type NodeNetwork,
  type Peer,
  type PodPort,
  peerFlows,
  podFlows,
  projectFlows,
  serviceFlows,
  staticFlows,
} from '@tenet/pipeline';
import { FlowPlan, type KeyedFlow } from './flow-plan.ts';

/** All that br0's flows follow from. */
export interface FlowInputs {
  readonly node: NodeNetwork;
  readonly pods: readonly PodPort[];
  readonly peers: readonly Peer[];
  readonly services: readonly ClusterService[];
}

/**
 * Compiles the flows of a node owner by owner, and remembers each owner's, so that one change recomputes one owner.
 */
export class FlowCompiler {
  /** By what the owner is, as text: one that is told again as a new object has not changed. */
  #lists = new Map<string, readonly KeyedFlow[]>();
  #plan = new FlowPlan([]);
  readonly #texts = new WeakMap<object, string>();

  /** The flows that the inputs ask for; the very same plan when nothing has changed. */
  compile({ node, pods, peers, services }: FlowInputs): FlowPlan {
    const ofNode = this.#textOf(node);
    // Every flow may depend on the node, which seldom changes: none is kept then.
    const before = this.#lists.has(ofNode) ? this.#lists : new Map<string, readonly KeyedFlow[]>();
    const now: typeof before = new Map();

    function add(owner: string, compileOwner: () => Flow[]): void {
      now.set(owner, before.get(owner) ?? compileOwner().map((flow) => [flowKey(flow), flow]));
    }

    add(ofNode, () => staticFlows(node));
    for (const pod of pods) add(`pod ${this.#textOf(pod)}`, () => podFlows(node, pod));
    for (const peer of peers) add(`peer ${this.#textOf(peer)}`, () => peerFlows(node, peer));
    for (const service of services) add(this.#textOf(service), () => serviceFlows(node, service));
    for (const vnid of projectsOf(pods)) add(`project ${vnid}`, () => projectFlows(node, vnid));
    this.#lists = now;
    const plan = new FlowPlan(now.values());
    if (!plan.equals(this.#plan)) this.#plan = plan;
    return this.#plan;
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
