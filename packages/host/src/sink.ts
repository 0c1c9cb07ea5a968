import type { Netlink } from './netlink.ts';

/** The bridge that swallows. */
export const SINK = 'tenet-sink';

/**
 * Keeps the kernel's own stack off links that the userspace datapath of Open vSwitch reads. That datapath takes a copy
 * of what arrives on a link and leaves the frame to the kernel, which would answer ARP for the node's addresses and
 * route what a pod sends to it, past every flow table. A port of a bridge that is down hands on nothing: the bridge
 * takes the frame and drops it, after the copy was made. Only frames to the reserved MACs of IEEE 802.1D (01:80:c2…)
 * go on, and `rp_filter` on the link drops IP in those, since no route leads to it.
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
    if (link === undefined || link.master === sink?.index) continue;
    netlink.changeLink(name, { master: SINK });
    changed.push(`${name} in ${SINK}`);
  }
  return changed;
}
