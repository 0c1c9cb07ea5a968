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
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!same(a[at], b[at])) return false;
  return true;
}

/** Values of an action are scalars, bytes, lists and records of those; an absent key and an undefined one are one. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isComposite(a) || !isComposite(b)) return false;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return sameBytes(a, b);
  // A full pass comes here a hundred thousand times: lists of keys are twice as fast as copies or `for in`.
  for (const key of Object.keys(a)) if (!same(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (a[key] === undefined && b[key] !== undefined) return false;
  return true;
}

function isComposite(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
