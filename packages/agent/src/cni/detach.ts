import { deleteConntrack } from '@tenet/host';
import { deletePorts } from '@tenet/ovsdb';
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
      await deletePorts(ovs, [hostVeth], { signal });
      // Else the row would claim the address a moment longer, beside the pod that gets it next.
      await ovs.cache.waitFor((cache) => cache.port(hostVeth) === undefined, { signal, what: `${hostVeth} is gone` });
    }
    if (ip !== undefined) {
      parts.begin('conntrack');
      await wiring.flushConntrack(ip, signal);
      deleteConntrack({ originalSource: ip });
      deleteConntrack({ replySource: ip });
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
