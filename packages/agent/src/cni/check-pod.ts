import { existsSync } from 'node:fs';
import { inNamespace, type Link, Netlink, RT_TABLE, readTxChecksum } from '@tenet/host';
import { type NodeNetwork, podFlows } from '@tenet/pipeline';
import { type Ip, Mac } from '@tenet/std';
import { failAgent } from '../errors.ts';
import { BRIDGE, externalIdsOf, podPorts, type WiredPod, wiredPod } from '../wired-pods.ts';
import { attachmentKey, hostVethName } from './attachment.ts';
import type { CallOptions } from './call-parts.ts';
import { missingFlows } from './missing-flows.ts';
import type { PreviousResult } from './network-configuration.ts';
import { missingGuard, podRoutes } from './pod-link.ts';
import type { CheckRequest } from './request.ts';
import type { Wiring } from './wiring.ts';

/**
 * CHECK: what the ADD made is there and as it was, from the lease to the flows: all but IPv6, which a later plugin may
 * have turned on inside the pod. CONTAINER_UNKNOWN when there is no such attachment, else ATTACHMENT_BROKEN with the
 * first thing that is wrong. It mends nothing itself, but may wait for a pass that is due, and that does.
 */
export async function checkPod(
  wiring: Wiring,
  { attachment, netns, previous }: CheckRequest,
  { signal, parts }: CallOptions,
): Promise<void> {
  const { node, ovs, leases, netlink } = wiring;
  parts.begin('lease');
  const ip = leases.of(attachment);
  if (ip === undefined) return failAgent('CONTAINER_UNKNOWN', { ...attachment });
  checkPrevious(previous, { node, ifName: attachment.ifName, netns, hostVeth: hostVethName(attachment), ip });
  parts.begin('link');
  checkHostEnd(netlink, node, hostVethName(attachment));
  checkPodEnd(node, previous, { netns, ifName: attachment.ifName, ip });
  parts.begin('ovsdb');
  await ovs.connected({ signal, deadlineMs: Number.POSITIVE_INFINITY });
  parts.begin('port');
  const pod = checkPort(wiring, wiredPod(ovs.cache, attachment), { attachment: attachmentKey(attachment), ip });
  parts.begin('flows');
  await checkFlows(wiring, pod, signal);
  parts.end();
}

interface Expected {
  readonly node: NodeNetwork;
  readonly ifName: string;
  readonly netns: string;
  readonly hostVeth: string;
  readonly ip: Ip;
}

/** The runtime must speak of what we gave: later plugins may add to a result, not take away (CNI 1.1.0, "CHECK"). */
function checkPrevious({ interfaces, ips }: PreviousResult, { node, ifName, netns, hostVeth, ip }: Expected): void {
  const inSandbox = interfaces.findIndex(({ name, sandbox }) => name === ifName && sandbox === netns);
  if (inSandbox === -1) broken(`prevResult has no interface ${ifName} in ${netns}`);
  if (!interfaces.some(({ name, sandbox }) => name === hostVeth && (sandbox ?? '') === ''))
    broken(`prevResult has no interface ${hostVeth} on the host`);
  const address = `${ip}/${node.subnet.length}`;
  if (!ips.some((entry) => entry.address === address && (entry.interface ?? inSandbox) === inSandbox))
    broken(`prevResult does not have ${address}, which is leased to ${ifName}, on it`);
}

function checkHostEnd(netlink: Netlink, node: NodeNetwork, hostVeth: string): void {
  checkLink(netlink.link(hostVeth), node, `${hostVeth} on the host`);
  const problem = missingGuard(netlink, node, hostVeth);
  if (problem !== undefined) broken(problem);
}

function checkPodEnd(
  node: NodeNetwork,
  previous: PreviousResult,
  { netns, ifName, ip }: Pick<Expected, 'netns' | 'ifName' | 'ip'>,
): void {
  if (!existsSync(netns)) broken(`the pod's network namespace ${netns} is gone`);
  using pod = Netlink.open(netns);
  const where = `${ifName} in ${netns}`;
  const { mac } = checkLink(pod.link(ifName), node, where);
  if (node.datapath === 'netdev' && inNamespace(netns, () => readTxChecksum(ifName)))
    broken(`${where} leaves checksums to be filled in`);
  const wantedMac = Mac.fromIpv4(ip);
  if (mac?.equals(wantedMac) !== true) broken(`${where} has the MAC ${mac ?? 'of nobody'} instead of ${wantedMac}`);
  const addresses = pod.addresses().filter(({ link }) => link === ifName);
  if (!addresses.some(({ address, prefixLength }) => address.equals(ip) && prefixLength === node.subnet.length))
    broken(`${where} does not have the address ${ip}/${node.subnet.length}`);
  const routes = pod.routes({ family: 4, table: RT_TABLE.MAIN });
  for (const { destination, gateway } of podRoutes(node)) {
    // A plugin after us may have taken it out of the result, and out of the pod.
    if (!previous.routes.some(({ dst }) => dst === destination.toString())) continue;
    const isThere = routes.some(
      (route) =>
        route.destination.toString() === destination.toString() &&
        route.link === ifName &&
        route.gateway?.toString() === gateway?.toString(),
    );
    if (!isThere) broken(`${netns} has no route to ${destination} on ${ifName}`);
  }
}

function checkLink(link: Link | undefined, { mtuBytes }: NodeNetwork, where: string): Link {
  if (link === undefined) return broken(`there is no ${where}`);
  if (!link.up) broken(`${where} is down`);
  if (link.mtu !== mtuBytes) broken(`${where} has an MTU of ${link.mtu} bytes instead of ${mtuBytes}`);
  return link;
}

function checkPort(
  { ovs, leases }: Wiring,
  pod: WiredPod | undefined,
  { attachment, ip }: { readonly attachment: string; readonly ip: Ip },
): WiredPod {
  if (pod === undefined) return broken(`${BRIDGE} has no port that names ${attachment} as its pod`);
  const row = ovs.cache.interface(pod.hostVeth);
  if (row?.error !== undefined) broken(`ovs-vswitchd cannot use port ${pod.hostVeth}: ${row.error}`);
  if (pod.ofPort === undefined) broken(`port ${pod.hostVeth} of ${BRIDGE} has no OpenFlow number`);
  const lease = leases.leaseOf(pod.attachment);
  const wanted = lease && Object.entries(externalIdsOf({ ...lease, ip }));
  const wrong = wanted?.find(([key, value]) => row?.external_ids[key] !== value);
  if (wrong !== undefined)
    broken(`port ${pod.hostVeth} says ${wrong[0]}=${row?.external_ids[wrong[0]]} instead of ${wrong[1]}`);
  return pod;
}

/** Compares with what the switch was last seen to have: asking it for all its flows would cost too much here. */
async function checkFlows(wiring: Wiring, pod: WiredPod, signal: AbortSignal): Promise<void> {
  const vnid = await wiring.vnidOf(pod.pod.namespace, signal);
  // Nothing is known in the middle of a pass: after it, something is.
  for (let installed = wiring.installedFlows(); ; installed = wiring.installedFlows()) {
    if (installed === undefined) {
      await wiring.syncFlows(signal);
      continue;
    }
    const flows = podPorts([pod], () => vnid).flatMap((port) => podFlows(wiring.node, port));
    const missing = missingFlows(flows, installed.flows);
    if (missing.length > 0) broken(`${missing.length} of the ${flows.length} flows of ${pod.ip} are not in the switch`);
    const problem = wiring.whyNotCarried(pod.ip);
    if (problem !== undefined) throw problem;
    return;
  }
}

function broken(problem: string): never {
  return failAgent('ATTACHMENT_BROKEN', { problem });
}
