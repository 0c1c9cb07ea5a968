import { deleteConntrack } from '@tenet/host';
import { deletePorts } from '@tenet/ovsdb';
import type { Ip } from '@tenet/std';
import { wiredPod } from '../wired-pods.ts';
import { type Attachment, attachmentKey, hostVethName } from './attachment.ts';
import type { CallOptions } from './call-parts.ts';
import type { Wiring } from './wiring.ts';

/**
 * DEL: flows first, then the port, then what conntrack remembers, then the device, and the address last, so that it
 * is never given to another while anything still leads to it. What is gone already is fine.
 */
export async function detach(wiring: Wiring, attachment: Attachment, { signal, parts }: CallOptions): Promise<void> {
  const { ovs, netlink, leases, detaching } = wiring;
  const key = attachmentKey(attachment);
  const hostVeth = hostVethName(attachment);
  const ip = leases.of(attachment);
  detaching.add(key);
  try {
    if (wiredPod(ovs.cache, attachment) !== undefined || ip !== undefined) {
      parts.begin('ovsdb');
      await ovs.connected({ signal, deadlineMs: Number.POSITIVE_INFINITY });
      parts.begin('flows');
      await wiring.syncFlows(signal);
      parts.begin('port');
      // Without flows nothing makes new entries of conntrack, so that its end need not wait for the port's.
      await Promise.all([removePort(wiring, hostVeth, signal), ip && forgetConnections(wiring, ip, signal)]);
    }
    parts.begin('link');
    netlink.deleteLink(hostVeth);
    parts.begin('lease');
    if (ip !== undefined) leases.release(ip);
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
