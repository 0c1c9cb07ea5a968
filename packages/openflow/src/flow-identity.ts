import type { Action } from './action.ts';
import type { Flow } from './flow.ts';
import { matchKey } from './match.ts';

/** What makes two flows the same entry of a switch: table, priority and match (OpenFlow 1.4.1 §6.4). */
export function flowKey({ table, priority, match }: Flow): string {
  return `${table}/${priority}/${matchKey(match)}`;
}

/** True when two entries also do the same for the same reason: equal actions, cookie, timeouts and flags. */
export function sameFlow(a: Flow, b: Flow): boolean {
  return (
    a.cookie === b.cookie &&
    (a.idleTimeoutS ?? 0) === (b.idleTimeoutS ?? 0) &&
    (a.hardTimeoutS ?? 0) === (b.hardTimeoutS ?? 0) &&
    (a.flags ?? 0) === (b.flags ?? 0) &&
    sameActions(a.actions, b.actions)
  );
}

/** True for two lists of equal actions in the same order. */
export function sameActions(a: readonly Action[], b: readonly Action[]): boolean {
  return a.length === b.length && a.every((action, at) => same(action, b[at]));
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  // Values of an action are scalars, bytes, lists and records of those; an absent key and an undefined one are one.
  const left: Readonly<Record<string, unknown>> = { ...a };
  const right: Readonly<Record<string, unknown>> = { ...b };
  for (const key in left) if (!same(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
