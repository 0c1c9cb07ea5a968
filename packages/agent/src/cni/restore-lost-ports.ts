import { existsSync } from 'node:fs';
import { addPort } from '@tenet/ovsdb';
import { Ip } from '@tenet/std';
import type { Lease } from '../ipam/lease-file.ts';
import { wantedOfPort } from '../of-port.ts';
import { settleEach } from '../settle-each.ts';
import { BRIDGE, externalIdsOf, isOfPortTaken, type WiredPod, wiredPod } from '../wired-pods.ts';
import { attachmentKey, hostVethName } from './attachment.ts';
import { guardHostEnd } from './pod-link.ts';
import type { Wiring } from './wiring.ts';

/**
 * Gives pods their ports back that somebody took off br0, or whose external_ids somebody changed, which would move the
 * pod to another project: the leases of ADDs that were through say which there must be, as long as veth and sandbox are
 * there. Attachments with a call under way are left to that. The flows follow from the ports. Rejects with all that
 * failed, after it has tried each.
 */
export async function restoreLostPorts(wiring: Wiring, signal: AbortSignal): Promise<void> {
  const { leases, queue } = wiring;
  // What is not connected shows the past, in which nothing is lost.
  if (!wiring.ovs.isConnected) return;
  const lost = [...leases.all]
    .filter(([, { attachment, isAttached }]) => isAttached && !queue.isBusy(attachmentKey(attachment)))
    .map(([ip, lease]) => ({ ip: Ip.parse(ip), lease }))
    .filter((leased) => isLost(wiring, leased));
  await settleEach(
    lost.map(({ ip, lease }) =>
      queue.run(attachmentKey(lease.attachment), () => restore(wiring, { ip, lease }, signal)),
    ),
  );
}

interface Leased {
  readonly ip: Ip;
  readonly lease: Lease;
}

function isLost({ ovs, netlink }: Wiring, { ip, lease }: Leased): boolean {
  const { attachment, netns, isAttached } = lease;
  return (
    isAttached &&
    !isSame(wiredPod(ovs.cache, attachment), { ip, lease }) &&
    existsSync(netns) &&
    netlink.link(hostVethName(attachment)) !== undefined
  );
}

/** True when the port says of its pod what the lease does. */
function isSame(wired: WiredPod | undefined, { ip, lease }: Leased): boolean {
  if (wired === undefined) return false;
  const wanted = externalIdsOf({ ...lease, ip });
  return Object.entries(externalIdsOf(wired)).every(([key, value]) => wanted[key] === value);
}

async function restore(wiring: Wiring, { ip, lease }: Leased, signal: AbortSignal): Promise<void> {
  const { node, ovs, netlink, log } = wiring;
  const { attachment, pod } = lease;
  const hostVeth = hostVethName(attachment);
  // A call that came first may have detached it.
  if (wiring.leases.leaseOf(attachment) !== lease || !isLost(wiring, { ip, lease })) return;
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
