import { SINK } from '@tenet/host';
import { sentenceOf } from '@tenet/std';
import { failAgent } from '../errors.ts';
import { attachmentKey, hostVethName } from './attachment.ts';
import { type CallOptions, CallParts } from './call-parts.ts';
import { detach } from './detach.ts';
import { knownAttachments } from './known-attachments.ts';
import type { GcRequest } from './request.ts';
import { releaseUnreadable } from './unreadable-leases.ts';
import type { Wiring } from './wiring.ts';

/**
 * GC: detaches what the runtime does not know any more, and removes links and leases that belong to no attachment at
 * all. What is attached or detached at this moment is newer than the runtime's list and stays, as do the attachments
 * of another network. One failure does not keep the others: GARBAGE_LEFT in the end. Resolves with how many went.
 */
export async function collectGarbage(
  wiring: Wiring,
  { valid, network }: GcRequest,
  { signal, parts }: CallOptions,
): Promise<number> {
  const { ovs, leases, queue, log } = wiring;
  parts.begin('ovsdb');
  await ovs.connected({ signal, deadlineMs: Number.POSITIVE_INFINITY });
  parts.end();
  const keep = new Set(valid.map(attachmentKey));
  const known = knownAttachments(wiring);
  const stale = known.filter(
    ({ key, network: its }) => !keep.has(key) && !queue.isBusy(key) && (its === '' || its === network),
  );
  const outcomes = await Promise.allSettled(
    stale.map(({ key, attachment }) =>
      queue.run(key, () => detach(wiring, attachment, { signal, parts: new CallParts() })),
    ),
  );
  // Then a lease that says nothing is nobody's.
  const isEachLeased = valid.every((attachment) => leases.of(attachment) !== undefined);
  const strays = [...deleteStrayLinks(wiring), ...(isEachLeased ? releaseUnreadable(wiring) : [])];
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  for (const error of failures) log.warn('stale attachment not removed', { error });
  if (failures.length > 0) {
    failAgent(
      'GARBAGE_LEFT',
      { failed: failures.length, of: stale.length, first: sentenceOf(failures[0]) },
      failures[0],
    );
  }
  return stale.length + strays.length;
}

/** Whatever sits in the sink is a pod's end that we made: it goes when no attachment has it. */
function deleteStrayLinks(wiring: Wiring): string[] {
  const { netlink, queue } = wiring;
  const links = netlink.links();
  const sink = links.find(({ name }) => name === SINK);
  if (sink === undefined || queue.size > 0) return [];
  const owned = new Set(knownAttachments(wiring).map(({ attachment }) => hostVethName(attachment)));
  const strays = links.filter(({ name, kind, master }) => kind === 'veth' && master === sink.index && !owned.has(name));
  return strays.filter(({ name }) => netlink.deleteLink(name)).map(({ name }) => name);
}
