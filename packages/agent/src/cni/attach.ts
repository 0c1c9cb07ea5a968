import { addPort, deletePorts } from '@tenet/ovsdb';
import { Mac, sentenceOf } from '@tenet/std';
import { wantedOfPort } from '../of-port.ts';
import { BRIDGE, externalIdsOf, isOfPortTaken, wiredPod } from '../wired-pods.ts';
import type { Wired } from './answer.ts';
import { hostVethName } from './attachment.ts';
import { type CallOptions, CallParts } from './call-parts.ts';
import { detach } from './detach.ts';
import { isPodLinkThere, makePodLink } from './pod-link.ts';
import type { AddRequest } from './request.ts';
import type { Wiring } from './wiring.ts';

/** How long a failed ADD may take to undo itself; what is left then goes with the runtime's DEL. */
const TAKE_BACK_MS = 5_000;

/**
 * ADD: when it returns, the pod can reach and be reached. When it fails, all that it made is taken back. Repeated, it
 * gives the same result.
 */
export async function attach(wiring: Wiring, request: AddRequest, { signal, parts }: CallOptions): Promise<Wired> {
  const { node, ovs, netlink, leases } = wiring;
  const { attachment, netns, pod, network } = request;
  parts.begin('ovsdb');
  await ovs.connected({ signal, deadlineMs: Number.POSITIVE_INFINITY });
  parts.begin('vnid');
  await wiring.vnidOf(pod.namespace, signal);
  const hostVeth = hostVethName(attachment);
  parts.begin('lease');
  const ip = leases.acquire({ attachment, netns, pod, network }, request.requestedIp);
  const link = { hostVeth, netns, ifName: attachment.ifName, ip };
  try {
    parts.begin('link');
    const there = wiredPod(ovs.cache, attachment);
    if (there?.ip.equals(ip) !== true || !isPodLinkThere(netlink, link)) {
      // Behind a port that is still there would be the old device.
      await deletePorts(ovs, [hostVeth], { signal });
      makePodLink(netlink, node, link);
    }
    parts.begin('port');
    await addPort(
      ovs,
      {
        bridge: BRIDGE,
        name: hostVeth,
        ofport_request: there?.ofPort ?? wantedOfPort(node.subnet, ip, (port) => isOfPortTaken(ovs.cache, port)),
        external_ids: externalIdsOf({ attachment, pod, netns, ip }),
      },
      { signal },
    );
    parts.begin('flows');
    await wiring.syncFlows(signal);
    const problem = wiring.whyNotCarried(ip);
    if (problem !== undefined) throw problem;
    parts.begin('lease');
    leases.markAttached(ip);
    parts.end();
  } catch (error) {
    // The first failure is the one to tell; what could not be taken back now goes with the runtime's DEL.
    const takeBack = { signal: AbortSignal.timeout(TAKE_BACK_MS), parts: new CallParts() };
    await detach(wiring, attachment, takeBack).catch((late) => {
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
