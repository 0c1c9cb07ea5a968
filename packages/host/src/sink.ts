import type { Netlink } from './netlink.ts';
import type { Link } from './route/links.ts';

/** The bridge that swallows. */
export const SINK = 'tenet-sink';

/**
 * A bridge hands frames to 01:80:c2:00:00:0n to the kernel's own stack unless bit n says that they are forwarded like
 * any other; 01 (pause frames) it always drops, and refuses a bit for it.
 */
const FORWARD_ALL_GROUPS = 0xfffd;

/** Reading so many links one by one is cheaper than the list of all. */
const FEW = 8;

/**
 * Keeps the kernel's own stack off links that the userspace datapath of Open vSwitch reads. That datapath takes a copy
 * of what arrives on a link and leaves the frame to the kernel, which would answer ARP for the node's addresses, believe
 * router advertisements, and route what a pod sends to it, past every flow table. A port of a bridge that is down hands
 * on nothing: the bridge takes the frame and drops it, after the copy was made.
 *
 * Takes all links as they are, where they are known. Returns what it had to change; nothing when all was so.
 */
export function sinkLinks(
  netlink: Netlink,
  names: readonly string[],
  links: readonly Link[] = linksOf(netlink, names),
): string[] {
  const changed: string[] = [];
  let sink = links.find(({ name }) => name === SINK);
  if (sink === undefined) {
    netlink.addBridge(SINK);
    sink = netlink.link(SINK);
    changed.push(`bridge ${SINK}`);
  } else if (sink.up) {
    netlink.changeLink(SINK, { up: false });
    changed.push(`bridge ${SINK} down`);
  }
  const byName = new Map(links.map((link) => [link.name, link]));
  for (const name of names) {
    const link = byName.get(name);
    if (link === undefined) continue;
    if (isSunk(link, sink)) continue;
    if (link.master !== sink?.index) netlink.changeLink(name, { master: SINK });
    netlink.setGroupForwardMask(name, FORWARD_ALL_GROUPS);
    changed.push(`${name} in ${SINK}`);
  }
  return changed;
}

/** True when a link's frames go no further than the sink, as long as that is down. */
export function isSunk(link: Link, sink: Link | undefined): boolean {
  return sink !== undefined && link.master === sink.index && link.groupForwardMask === FORWARD_ALL_GROUPS;
}

/** A node has hundreds of links, and a new pod one. */
function linksOf(netlink: Netlink, names: readonly string[]): readonly Link[] {
  return names.length > FEW ? netlink.links() : [SINK, ...names].flatMap((name) => netlink.link(name) ?? []);
}
