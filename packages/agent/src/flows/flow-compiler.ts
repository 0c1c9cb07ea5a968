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
import { type FlowLayer, FlowPlan, type KeyedFlow } from './flow-plan.ts';

/** All that br0's flows follow from. */
export interface FlowInputs {
  readonly node: NodeNetwork;
  readonly pods: readonly PodPort[];
  readonly peers: readonly Peer[];
  /** By far the most: the very same list, or the very same object for each that has not changed. */
  readonly services: readonly ClusterService[];
}

/**
 * Compiles the flows of a node owner by owner, and remembers each owner's, so that one change recomputes one owner.
 */
export class FlowCompiler {
  #ofNode = '';
  /** By what the owner is, as text: one that is told again as a new object has not changed. */
  #lists = new Map<string, readonly KeyedFlow[]>();
  readonly #texts = new WeakMap<object, string>();
  #services: readonly ClusterService[] = [];
  #serviceLists = new WeakMap<ClusterService, readonly KeyedFlow[]>();
  #layers: readonly [owners: FlowLayer, services: FlowLayer] = [new Set(), new Set()];
  #plan = new FlowPlan(this.#layers);

  /** The flows that the inputs ask for; the very same plan when nothing has changed. */
  compile(inputs: FlowInputs): FlowPlan {
    const ofNode = this.#textOf(inputs.node);
    if (ofNode !== this.#ofNode) this.#forget();
    this.#ofNode = ofNode;
    const [owners, services] = this.#layers;
    const now = [
      unlessSame(owners, this.#ownersOf(inputs)),
      inputs.services === this.#services ? services : unlessSame(services, this.#servicesOf(inputs)),
    ] as const;
    this.#services = inputs.services;
    if (now[0] === owners && now[1] === services) return this.#plan;
    this.#layers = now;
    this.#plan = new FlowPlan(now);
    return this.#plan;
  }

  /** Every flow may depend on the node, which seldom changes. */
  #forget(): void {
    this.#lists = new Map();
    this.#services = [];
    this.#serviceLists = new WeakMap();
    this.#layers = [new Set(), new Set()];
  }

  #ownersOf({ node, pods, peers }: FlowInputs): FlowLayer {
    const before = this.#lists;
    const now: typeof before = new Map();

    function add(owner: string, compileOwner: () => Flow[]): void {
      now.set(owner, before.get(owner) ?? keyed(compileOwner()));
    }

    add('static', () => staticFlows(node));
    for (const pod of pods) add(`pod ${this.#textOf(pod)}`, () => podFlows(node, pod));
    for (const peer of peers) add(`peer ${this.#textOf(peer)}`, () => peerFlows(node, peer));
    for (const vnid of projectsOf(pods)) add(`project ${vnid}`, () => projectFlows(node, vnid));
    this.#lists = now;
    return new Set(now.values());
  }

  #servicesOf({ node, services }: FlowInputs): FlowLayer {
    const layer = new Set<readonly KeyedFlow[]>();
    for (const service of services) {
      let list = this.#serviceLists.get(service);
      if (list === undefined) {
        list = keyed(serviceFlows(node, service));
        this.#serviceLists.set(service, list);
      }
      layer.add(list);
    }
    return layer;
  }

  #textOf(owner: object): string {
    const text = this.#texts.get(owner) ?? JSON.stringify(owner);
    this.#texts.set(owner, text);
    return text;
  }
}

function keyed(flows: readonly Flow[]): readonly KeyedFlow[] {
  return flows.map((flow) => [flowKey(flow), flow]);
}

/** The layer of before when the other has the very same lists. */
function unlessSame(before: FlowLayer, now: FlowLayer): FlowLayer {
  return before.size === now.size && before.isSubsetOf(now) ? before : now;
}

/** The projects that have a pod here, each once. */
function projectsOf(pods: readonly PodPort[]): ReadonlySet<Vnid> {
  return new Set(pods.map((pod) => pod.vnid));
}
