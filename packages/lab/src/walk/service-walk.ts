import type { Outcome } from '../probe/outcome.ts';

/** A place on the way that can be read: a rule, an element of a map, a flow. */
export interface WalkStep {
  /** Its chain, map or table. */
  readonly at: string;
  /** What it says, in the words of the tool that shows it. */
  readonly says: string;
  /** The packets that it has counted before the request and after; absent for what does not count. */
  readonly packets?: { readonly before: bigint; readonly after: bigint };
}

/** A request from a node to a service, and what it left behind on its way: route, translation, flows, answer. */
export interface ServiceWalk {
  readonly node: string;
  /** `logging/logging-es`. */
  readonly service: string;
  /** `172.30.229.30:9200`. */
  readonly to: string;
  readonly route: string;
  readonly translation: { readonly by: 'iptables' | 'nftables'; readonly steps: readonly WalkStep[] };
  readonly flows: readonly WalkStep[];
  readonly outcome: Outcome;
  /** It got where it should, and everything that counts has counted it. */
  readonly isAsExpected: boolean;
}

/** What was read twice, with both counts; what was not there before has counted nothing. */
export function counted(before: readonly CountedStep[], after: readonly CountedStep[]): WalkStep[] {
  const keyOf = ({ at, says }: CountedStep) => `${at} ${says}`;
  const first = new Map(before.map((step) => [keyOf(step), step.packets]));
  return after.map(({ at, says, packets }) => {
    const step = { at, says };
    return packets === undefined
      ? step
      : { ...step, packets: { before: first.get(keyOf(step)) ?? 0n, after: packets } };
  });
}

/** A step as it was read once. */
export interface CountedStep {
  readonly at: string;
  readonly says: string;
  readonly packets?: bigint;
}
