import type { Netlink } from './netlink.ts';

/** The bridge that swallows. */
export const SINK = 'tenet-sink';

/**
 * A bridge hands frames to 01:80:c2:00:00:0n to the kernel's own stack unless bit n says that they are forwarded like
 * any other; 01 (pause frames) it always drops, and refuses a bit for it.
 */
const FORWARD_ALL_GROUPS = 0xfffd;

/**
 * Keeps the kernel's own stack off links that the userspace datapath of Open vSwitch reads. That datapath takes a copy
 * of what arrives on a link and leaves the frame to the kernel, which would answer ARP for the node's addresses, believe
 * router advertisements, and route what a pod sends to it, past every flow table. A port of a bridge that is down hands
 * on nothing: the bridge takes the frame and drops it, after the copy was made.
 *
 * Returns what it had to change; nothing when all was so.
 */
export function sinkLinks(netlink: Netlink, names: readonly string[]): string[] {
  const changed: string[] = [];
  const links = netlink.links();
  let sink = links.find(({ name }) => name === SINK);
  if (sink === undefined) {
    netlink.addBridge(SINK);
    sink = netlink.link(SINK);
    changed.push(`bridge ${SINK}`);
  } else if (sink.up) {
    netlink.changeLink(SINK, { up: false });
    changed.push(`bridge ${SINK} down`);
  }
  for (const name of names) {
    const link = links.find((candidate) => candidate.name === name);
    if (link === undefined) continue;
    const isPort = link.master === sink?.index;
    if (isPort && link.groupForwardMask === FORWARD_ALL_GROUPS) continue;
    if (!isPort) netlink.changeLink(name, { master: SINK });
    netlink.setGroupForwardMask(name, FORWARD_ALL_GROUPS);
    changed.push(`${name} in ${SINK}`);
  }
  return changed;
}
