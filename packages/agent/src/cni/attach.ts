import { deleteConntrack, type Netlink } from '@tenet/host';
import type { Vnid } from '@tenet/model';
import { addPort, deletePorts, type OpenVSwitch } from '@tenet/ovsdb';
import type { NodeNetwork } from '@tenet/pipeline';
import { type Ip, type Logger, Mac, sentenceOf, type TenetError } from '@tenet/std';
import type { Leases } from '../ipam/leases.ts';
import { wantedOfPort } from '../of-port.ts';
import { BRIDGE, externalIdsOf, type WiredPod, wiredPods } from '../wired-pods.ts';
import type { Wired } from './answer.ts';
import { type Attachment, attachmentKey, hostVethName } from './attachment.ts';
import { isPodLinkThere, makePodLink } from './pod-link.ts';
import type { CniRequest } from './request.ts';

/** What wiring a pod needs of the node. */
export interface Wiring {
  readonly node: NodeNetwork;
  readonly ovs: OpenVSwitch;
  readonly netlink: Netlink;
  readonly leases: Leases;
  readonly log: Logger;
  /** The project's number, waiting for it a while; NO_VNID when it does not come. */
  readonly vnidOf: (namespace: string, signal: AbortSignal) => Promise<Vnid>;
  /** Resolves when the switch has all the flows that it should have, but none of those being detached. */
  readonly syncFlows: (signal: AbortSignal) => Promise<void>;
  /** Why the switch does not carry a pod's packets, as of the last flows that it got; undefined when it does. */
  readonly whyNotCarried: (ip: Ip) => TenetError | undefined;
  /** Attachments whose flows must go although their ports are still there, by key. */
  readonly detaching: Set<string>;
  /** Ends what the switch remembers of a pod's service connections. */
  readonly flushConntrack: (ip: Ip, signal: AbortSignal) => Promise<void>;
}

/** How long a failed ADD may take to undo itself; what is left then goes with the runtime's DEL. */
const TAKE_BACK_MS = 5_000;

/**
 * ADD: when it returns, the pod can reach and be reached. When it fails, all that it made is taken back. Repeated, it
 * gives the same result.
 */
export async function attach(wiring: Wiring, request: CniRequest, signal: AbortSignal): Promise<Wired> {
  const { node, ovs, netlink, leases } = wiring;
  const { attachment, netns, pod } = request;
  await ovs.connected({ signal });
  await wiring.vnidOf(pod.namespace, signal);
  const hostVeth = hostVethName(attachment);
  const ip = leases.acquire(attachment, request.requestedIp);
  const link = { hostVeth, netns, ifName: attachment.ifName, ip };
  try {
    const there = podOf(ovs, attachment);
    if (there?.ip.equals(ip) !== true || !isPodLinkThere(netlink, link)) {
      // Behind a port that is still there would be the old device.
      await deletePorts(ovs, [hostVeth], { signal });
      makePodLink(netlink, node, link);
    }
    await addPort(
      ovs,
      {
        bridge: BRIDGE,
        name: hostVeth,
        ofport_request: there?.ofPort ?? wantedOfPort(node.subnet, ip, (port) => isOfPortTaken(ovs, port)),
        external_ids: externalIdsOf({ attachment, pod, netns, ip }),
      },
      { signal },
    );
    await wiring.syncFlows(signal);
    const problem = wiring.whyNotCarried(ip);
    if (problem !== undefined) throw problem;
  } catch (error) {
    // The first failure is the one to tell; what could not be taken back now goes with the runtime's DEL.
    await detach(wiring, attachment, AbortSignal.timeout(TAKE_BACK_MS)).catch((late) => {
      wiring.log.warn('half-made pod not taken back', { pod: `${pod.namespace}/${pod.name}`, error: sentenceOf(late) });
    });
    throw error;
  }
  const { mtuBytes, subnet, gateway, clusterNetworks } = node;
  return {
    ifName: attachment.ifName,
    netns,
    hostVeth,
    ip,
    mac: Mac.fromIpv4(ip),
    mtuBytes,
    subnet,
    gateway,
    clusterNetworks,
  };
}

/**
 * DEL: flows first, then the port, then what conntrack remembers, then the device, and the address last, so that it
 * is never given to another while anything still leads to it. What is gone already is fine.
 */
export async function detach(wiring: Wiring, attachment: Attachment, signal: AbortSignal): Promise<void> {
  const { ovs, netlink, leases, detaching } = wiring;
  const key = attachmentKey(attachment);
  const hostVeth = hostVethName(attachment);
  const ip = leases.of(attachment);
  detaching.add(key);
  try {
    if (podOf(ovs, attachment) !== undefined || ip !== undefined) {
      await ovs.connected({ signal });
      await wiring.syncFlows(signal);
      await deletePorts(ovs, [hostVeth], { signal });
      // Else the row would claim the address a moment longer, beside the pod that gets it next.
      await ovs.cache.waitFor((cache) => cache.port(hostVeth) === undefined, { signal, what: `${hostVeth} is gone` });
    }
    if (ip !== undefined) {
      await wiring.flushConntrack(ip, signal);
      deleteConntrack({ originalSource: ip });
      deleteConntrack({ replySource: ip });
    }
    netlink.deleteLink(hostVeth);
    if (ip !== undefined) leases.release(ip);
  } finally {
    detaching.delete(key);
  }
}

function podOf(ovs: OpenVSwitch, attachment: Attachment): WiredPod | undefined {
  const key = attachmentKey(attachment);
  return wiredPods(ovs.cache).find((pod) => attachmentKey(pod.attachment) === key);
}

function isOfPortTaken(ovs: OpenVSwitch, port: number): boolean {
  return ovs.cache
    .interfacesOf(BRIDGE)
    .some(({ ofport, ofport_request }) => ofport === port || ofport_request === port);
}
