import { type Flow, sameFlow } from '@tenet/openflow';
import { type Change, diff } from '@tenet/std';

/** A flow and its identity in a switch (`flowKey`). */
export type KeyedFlow = readonly [key: string, flow: Flow];

/** The flows of some owners, a list each. */
export type FlowLayer = ReadonlySet<readonly KeyedFlow[]>;

/**
 * The flows of a switch, in layers of owners; no flow has two owners. What has not changed is the very same layer or the
 * very same list in the next plan, so that what lies between two plans is found without looking at all flows.
 */
export class FlowPlan {
  readonly #layers: readonly FlowLayer[];
  #flows: ReadonlyMap<string, Flow> | undefined;

  constructor(layers: readonly FlowLayer[]) {
    this.#layers = layers;
  }

  /** All of them, by identity. */
  get flows(): ReadonlyMap<string, Flow> {
    this.#flows ??= new Map(this.#layers.flatMap((layer) => [...layer]).flat());
    return this.#flows;
  }

  /** What must change so that a switch that has the flows of `before` has those of this plan. */
  since(before: FlowPlan): Change<Flow> {
    return diff(this.#without(before), before.#without(this), sameFlow);
  }

  #without(other: FlowPlan): ReadonlyMap<string, Flow> {
    const lists = this.#layers
      .filter((layer) => !other.#layers.includes(layer))
      .flatMap((layer) => [...layer].filter((list) => !other.#layers.some((theirs) => theirs.has(list))));
    return new Map(lists.flat());
  }
}
