import { SINK } from '@tenet/host';
import type { Ip } from '@tenet/std';
import { wiredPods } from '../wired-pods.ts';
import { hostVethName } from './attachment.ts';
import { knownAttachments } from './known-attachments.ts';
import type { Wiring } from './wiring.ts';

type Traces = Pick<Wiring, 'leases' | 'ovs' | 'netlink' | 'queue'>;

/**
 * Frees the addresses whose leases say nothing and that no pod can have: none that is on br0, and none that has lost
 * its port, since each veth that could be a pod's is some other attachment's. A power cut leaves such files, and no
 * pods. Returns what it freed.
 */
export function releaseUnusedUnreadable(wiring: Traces): Ip[] {
  if (wiring.leases.unreadable.length === 0 || wiring.queue.size > 0 || hasOrphan(wiring)) return [];
  return releaseUnreadable(wiring);
}

/** The same when it is known that every pod has a readable lease: all but those that a port has. */
export function releaseUnreadable({ leases, ovs }: Pick<Traces, 'leases' | 'ovs'>): Ip[] {
  const wired = new Set(wiredPods(ovs.cache).map(({ ip }) => ip.toString()));
  return leases.unreadable.filter((ip) => !wired.has(ip.toString()) && leases.release(ip));
}

/** True when there is a link that may be the host's end of a pod of which nothing is remembered. */
function hasOrphan(wiring: Traces): boolean {
  const owned = new Set(knownAttachments(wiring).map(({ attachment }) => hostVethName(attachment)));
  const links = wiring.netlink.links();
  const sink = links.find(({ name }) => name === SINK)?.index;
  // What another bridge holds is another network's, of which some name their links as we do.
  return links.some(
    ({ name, kind, master }) =>
      kind === 'veth' && HOST_VETH.test(name) && !owned.has(name) && (master === undefined || master === sink),
  );
}

/** What `hostVethName` makes. */
const HOST_VETH = /^veth[0-9a-f]{8}$/;
