import type { SwitchConnection } from '@tenet/openflow/connection';
import { COOKIE_KIND_MASK, cookieOf, type DropClass, readCookie } from '@tenet/pipeline';

/** How many packets a switch has dropped, by reason; a reason that never occurred may be missing. */
export type DropCounters = ReadonlyMap<DropClass, bigint>;

/** Reads every drop counter of a bridge in one dump: all its flows share the kind of their cookies. */
export async function readDropCounters(connection: SwitchConnection): Promise<DropCounters> {
  const counters = new Map<DropClass, bigint>();
  for (const { cookie, stats } of await connection.dumpFlows({
    cookie: cookieOf('drop'),
    cookieMask: COOKIE_KIND_MASK,
  })) {
    const dropClass = readCookie(cookie)?.dropClass;
    if (dropClass === undefined) continue;
    counters.set(dropClass, (counters.get(dropClass) ?? 0n) + (stats?.packets ?? 0n));
  }
  return counters;
}

/** What was counted in between, in the order of the classes. */
export function countedSince(before: DropCounters, after: DropCounters): [DropClass, bigint][] {
  return [...after].flatMap(([dropClass, count]): [DropClass, bigint][] => {
    const counted = count - (before.get(dropClass) ?? 0n);
    return counted > 0n ? [[dropClass, counted]] : [];
  });
}
