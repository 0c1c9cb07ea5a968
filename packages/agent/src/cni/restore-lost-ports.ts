import { existsSync } from 'node:fs';
import { addPort } from '@tenet/ovsdb';
import { Ip } from '@tenet/std';
import type { Lease } from '../ipam/lease-file.ts';
import { wantedOfPort } from '../of-port.ts';
import { settleEach } from '../settle-each.ts';
import { BRIDGE, externalIdsOf, isOfPortTaken, wiredPod } from '../wired-pods.ts';
import { attachmentKey, hostVethName } from './attachment.ts';
import { guardHostEnd } from './pod-link.ts';
import type { Wiring } from './wiring.ts';

/**
 * Gives pods their ports back that somebody took off br0, or whose external_ids somebody removed: the leases of ADDs
 * that were through say which there must be, as long as veth and sandbox are there. Attachments with a call under way
 * are left to that. The flows follow from the ports. Rejects with all that failed, after it has tried each.
 */
export async function restoreLostPorts(wiring: Wiring, signal: AbortSignal): Promise<void> {
  const { leases, queue } = wiring;
  // What is not connected shows the past, in which nothing is lost.
  if (!wiring.ovs.isConnected) return;
  const lost = [...leases.all].filter(
    ([, lease]) => !queue.isBusy(attachmentKey(lease.attachment)) && isLost(wiring, lease),
  );
  await settleEach(
    lost.map(([ip, lease]) =>
      queue.run(attachmentKey(lease.attachment), () => restore(wiring, { ip: Ip.parse(ip), lease }, signal)),
    ),
  );
}

function isLost({ ovs, netlink }: Wiring, { attachment, netns, isAttached }: Lease): boolean {
  return (
    isAttached &&
    wiredPod(ovs.cache, attachment) === undefined &&
    existsSync(netns) &&
    netlink.link(hostVethName(attachment)) !== undefined
  );
}

async function restore(
  wiring: Wiring,
  { ip, lease }: { readonly ip: Ip; readonly lease: Lease },
  signal: AbortSignal,
): Promise<void> {
  const { node, ovs, netlink, log } = wiring;
  const { attachment, pod } = lease;
  const hostVeth = hostVethName(attachment);
  // A call that came first may have detached it.
  if (wiring.leases.leaseOf(attachment) !== lease || !isLost(wiring, lease)) return;
  guardHostEnd(netlink, node, hostVeth);
  // A port that only lost its owner keeps its number.
  const before = ovs.cache.interface(hostVeth)?.ofport ?? 0;
  const { ofport } = await addPort(
    ovs,
    {
      bridge: BRIDGE,
      name: hostVeth,
      ofport_request: before > 0 ? before : wantedOfPort(node.subnet, ip, (port) => isOfPortTaken(ovs.cache, port)),
      external_ids: externalIdsOf({ ...lease, ip }),
    },
    { signal },
  );
  const name = `${pod.namespace}/${pod.name}`;
  log.info('lost port restored', { pod: name, interface: hostVeth, ip: ip.toString(), ofPort: ofport });
}
