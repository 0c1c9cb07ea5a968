import { deleteConntrack } from '@tenet/host';
import { deletePorts } from '@tenet/ovsdb';
import type { Ip } from '@tenet/std';
import { wiredPod } from '../wired-pods.ts';
import { type Attachment, attachmentKey, hostVethName } from './attachment.ts';
import type { CallOptions } from './call-parts.ts';
import type { Wiring } from './wiring.ts';

/**
 * DEL: flows first, then the port, then what conntrack remembers, then the device, and the address last, so that it
 * is never given to another while anything still leads to it. What is gone already is fine. One that fails half way, or
 * is killed there, leaves the pod half gone for the next: nothing that has gone is brought back.
 */
export async function detach(wiring: Wiring, attachment: Attachment, { signal, parts }: CallOptions): Promise<void> {
  const { ovs, netlink, leases, detaching } = wiring;
  const key = attachmentKey(attachment);
  const hostVeth = hostVethName(attachment);
  const ips = leases.addressesOf(attachment);
  detaching.add(key);
  try {
    parts.begin('lease');
    leases.markLeaving(attachment);
    if (wiredPod(ovs.cache, attachment) !== undefined || ips.length > 0) {
      parts.begin('ovsdb');
      await ovs.connected({ signal, deadlineMs: Number.POSITIVE_INFINITY });
      parts.begin('flows');
      await wiring.syncFlows(signal);
      parts.begin('port');
      // Without flows nothing makes new entries of conntrack, so that its end need not wait for the port's.
      const ends = [removePort(wiring, hostVeth, signal), ...ips.map((ip) => forgetConnections(wiring, ip, signal))];
      // Whichever fails, none may still be at it when the next call for this attachment begins.
      await Promise.allSettled(ends);
      await Promise.all(ends);
    }
    parts.begin('link');
    netlink.deleteLink(hostVeth);
    parts.begin('lease');
    for (const ip of ips) leases.release(ip);
  } finally {
    detaching.delete(key);
  }
  parts.end();
}

async function removePort({ ovs }: Wiring, hostVeth: string, signal: AbortSignal): Promise<void> {
  await deletePorts(ovs, [hostVeth], { signal });
  // Else the row would claim the address a moment longer, beside the pod that gets it next.
  await ovs.cache.waitFor((cache) => cache.port(hostVeth) === undefined, { signal, what: `${hostVeth} is gone` });
}

async function forgetConnections(wiring: Wiring, ip: Ip, signal: AbortSignal): Promise<void> {
  await wiring.flushConntrack(ip, signal);
  deleteConntrack({ originalSource: ip });
  deleteConntrack({ replySource: ip });
}
