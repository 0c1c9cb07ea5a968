import { type Flow, sameFlow } from '@tenet/openflow';
import { type Change, diff } from '@tenet/std';

/** A flow and its identity in a switch (`flowKey`). */
export type KeyedFlow = readonly [key: string, flow: Flow];

/**
 * The flows of a switch as lists, one an owner; no flow is in two. An owner that has not changed brings the very same
 * list to the next plan, so that what lies between two plans is found without looking at the flows of all others.
 */
export class FlowPlan {
  readonly #lists: ReadonlySet<readonly KeyedFlow[]>;
  #flows: ReadonlyMap<string, Flow> | undefined;

  constructor(lists: Iterable<readonly KeyedFlow[]>) {
    this.#lists = new Set(lists);
  }

  /** All of them, by identity. */
  get flows(): ReadonlyMap<string, Flow> {
    this.#flows ??= new Map([...this.#lists].flat());
    return this.#flows;
  }

  /** What must change so that a switch that has the flows of `before` has those of this plan. */
  since(before: FlowPlan): Change<Flow> {
    return diff(this.#without(before), before.#without(this), sameFlow);
  }

  /** True for a plan of the very same lists. */
  equals(other: FlowPlan): boolean {
    return this.#lists.size === other.#lists.size && this.#lists.isSubsetOf(other.#lists);
  }

  #without(other: FlowPlan): ReadonlyMap<string, Flow> {
    return new Map([...this.#lists.difference(other.#lists)].flat());
  }
}
