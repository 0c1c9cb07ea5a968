import type { Flow } from '@tenet/openflow';
import type { SwitchConnection } from '@tenet/openflow/connection';
import { COOKIE_KIND_MASK, COOKIE_KINDS, type CookieKind, cookieOf } from '@tenet/pipeline';
import type { FlowPlan } from '../flows/flow-plan.ts';

/** Flows of a kind; a stranger is one whose cookie is none of ours. */
export type FlowKind = CookieKind | 'stranger';

const KINDS = Object.keys(COOKIE_KINDS) as readonly CookieKind[];
export const FLOW_KINDS: readonly FlowKind[] = [...KINDS, 'stranger'];

/** What a switch answers when it is asked about itself. */
export interface SwitchReading {
  readonly fragmentMode: string;
  readonly flows: ReadonlyMap<FlowKind, number>;
}

/** Reads the drop counters: all their flows share the kind of their cookies, so that this is one short dump. */
export function readDropFlows(connection: SwitchConnection): Promise<Flow[]> {
  return connection.dumpFlows({ cookie: cookieOf('drop'), cookieMask: COOKIE_KIND_MASK });
}

/** Asks the switch what it has. The switch itself counts its flows, and sends none. */
export async function readSwitch(connection: SwitchConnection): Promise<SwitchReading> {
  const [fragmentMode, total, ...counts] = await Promise.all([
    connection.fragmentMode(),
    connection.aggregate(),
    ...KINDS.map((kind) => connection.aggregate({ cookie: cookieOf(kind), cookieMask: COOKIE_KIND_MASK })),
  ]);
  const flows = new Map<FlowKind, number>(KINDS.map((kind, at) => [kind, counts[at]?.flows ?? 0]));
  const known = flows.values().reduce((sum, count) => sum + count, 0);
  // A change between two answers may make it look like less than none.
  return { fragmentMode, flows: flows.set('stranger', Math.max(0, total.flows - known)) };
}

/** How many flows of each kind there are. */
export function countByKind({ flows }: FlowPlan): ReadonlyMap<FlowKind, number> {
  const counts = new Map<FlowKind, number>(FLOW_KINDS.map((kind) => [kind, 0]));
  const byNumber = new Map<bigint, FlowKind>(KINDS.map((kind) => [cookieOf(kind) & COOKIE_KIND_MASK, kind]));
  for (const { cookie } of flows.values()) {
    const kind = byNumber.get(cookie & COOKIE_KIND_MASK) ?? 'stranger';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
