import type { ChangeRequest } from './change-request.ts';

/**
 * True when a join has to wait for its target's own change: whoever isolates one project and joins another to it means
 * the number that the first one gets. Projects that want to join each other in a circle do not wait for ever: the one
 * whose name sorts first takes its target's number as it is.
 */
export function mustWait(name: string, requests: ReadonlyMap<string, ChangeRequest>): boolean {
  const request = requests.get(name);
  if (request?.kind !== 'join' || !requests.has(request.target)) return false;
  const circle = [name];
  for (let at = request; circle.length <= requests.size; ) {
    if (at.target === name) return circle.some((other) => other < name);
    circle.push(at.target);
    const next = requests.get(at.target);
    if (next?.kind !== 'join') return true;
    at = next;
  }
  return true;
}
