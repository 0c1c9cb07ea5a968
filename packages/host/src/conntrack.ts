import {
  type ConntrackEntry,
  type ConntrackFilter,
  conntrackMatches,
  decodeConntrack,
  encodeConntrackDeletion,
  encodeConntrackFilter,
} from './conntrack-entry.ts';
import { refusedWith } from './errors.ts';
import { inNamespace } from './namespace/in-namespace.ts';
import { IPCTNL_MSG_CT, NETLINK, NFNL_SUBSYS } from './netlink/constants.ts';
import type { NetlinkMessage } from './netlink/message.ts';
import { nfgenmsg } from './netlink/nfnetlink.ts';
import { NetlinkSocket } from './netlink/socket.ts';
import { readSysctl } from './sysctl.ts';

/** The tracked connections of a namespace that pass the filter; none in a kernel that tracks no connections. */
export function listConntrack(filter: ConntrackFilter = {}, namespacePath?: string): ConntrackEntry[] {
  return withEntries(namespacePath, [], (socket) => matching(socket, filter).map(({ entry }) => entry));
}

/**
 * Deletes the tracked connections of a namespace that pass the filter, so that their next packets are looked at anew.
 *
 * A filter of IPv4 addresses alone is the kernel's own to apply (seen on Linux 6.18): one walk over its table, whatever
 * it finds; 60 ms with 262,144 buckets and 100,000 entries. Older kernels, and for other filters all kernels, hand out
 * what has the addresses (CTA_FILTER, Linux 5.8) or everything, and get each connection back to delete it.
 */
export function deleteConntrack(filter: ConntrackFilter, namespacePath?: string): void {
  withEntries(namespacePath, undefined, (socket) => {
    if (!flushed(socket, filter)) deleteEach(socket, matching(socket, filter));
  });
}

/**
 * Of the tracked connections of a namespace that pass the filter deletes those that are chosen; returns how many. One
 * walk over the kernel's table, and only what passes is handed out where the kernel knows the filter.
 */
export function deleteConntrackIf(
  filter: ConntrackFilter,
  isChosen: (entry: ConntrackEntry) => boolean,
  namespacePath?: string,
): number {
  return withEntries(namespacePath, 0, (socket) => {
    const chosen = matching(socket, filter).filter(({ entry }) => isChosen(entry));
    deleteEach(socket, chosen);
    return chosen.length;
  });
}

interface Found {
  readonly entry: ConntrackEntry;
  /** As the kernel wrote it. */
  readonly body: Uint8Array;
}

function deleteEach(socket: NetlinkSocket, found: readonly Found[]): void {
  const refused = socket.changeAll({
    operation: 'delete a tracked connection',
    type: messageType(IPCTNL_MSG_CT.DELETE),
    bodies: found.map(({ body }) => encodeConntrackDeletion(body)),
  });
  // What ended by itself meanwhile is no longer there.
  for (const error of refused) if (!refusedWith(error, 'ENOENT')) throw error;
}

/** Does something with the tracked connections of a namespace; `none` when there cannot be any. */
function withEntries<T>(namespacePath: string | undefined, none: T, use: (socket: NetlinkSocket) => T): T {
  const count = namespacePath === undefined ? entryCount() : inNamespace(namespacePath, entryCount);
  if (count === 0) return none;
  try {
    using socket = NetlinkSocket.open(NETLINK.NETFILTER, namespacePath);
    return use(socket);
  } catch (error) {
    // Neither its setting nor its part of netlink: this kernel tracks nothing.
    if (count === undefined && refusedWith(error, 'EPROTONOSUPPORT', 'EINVAL')) return none;
    throw error;
  }
}

/** Asking for the number costs one small read, and no walk; unprivileged namespaces do not show it. */
function entryCount(): number | undefined {
  const count = readSysctl('net.netfilter.nf_conntrack_count');
  return count === undefined ? undefined : Number(count);
}

/** Lets the kernel delete by itself; false when it cannot, and then it has deleted nothing. */
function flushed(socket: NetlinkSocket, filter: ConntrackFilter): boolean {
  const { originalSource, originalDestination, replySource, ...others } = filter;
  const body = encodeConntrackFilter(filter);
  if (body === undefined || Object.keys(others).length > 0) return false;
  try {
    socket.change({ operation: 'delete tracked connections', type: messageType(IPCTNL_MSG_CT.DELETE), body });
    return true;
  } catch (error) {
    // Older kernels take the filter's addresses for a connection to delete, and miss its ports.
    if (refusedWith(error, ...UNKNOWN_FILTER)) return false;
    throw error;
  }
}

function matching(socket: NetlinkSocket, filter: ConntrackFilter): Found[] {
  // The kernel's own filter knows no zones, and older kernels overlook it: each entry is looked at here as well.
  return dump(socket, filter).flatMap(({ body }) => {
    const entry = decodeConntrack(body);
    return entry && conntrackMatches(entry, filter) ? [{ entry, body }] : [];
  });
}

function dump(socket: NetlinkSocket, filter: ConntrackFilter): NetlinkMessage[] {
  const request = { operation: 'list the tracked connections', type: messageType(IPCTNL_MSG_CT.GET) };
  const body = encodeConntrackFilter(filter);
  try {
    if (body !== undefined) return socket.dump({ ...request, body });
  } catch (error) {
    if (!refusedWith(error, ...UNKNOWN_FILTER)) throw error;
  }
  return socket.dump({ ...request, body: [nfgenmsg.write({})] });
}

/** How kernels refuse a filter that they cannot apply. */
const UNKNOWN_FILTER = ['EINVAL', 'ENOTSUP'];

/** The subsystem is in the high byte of the type. */
function messageType(message: number): number {
  return (NFNL_SUBSYS.CTNETLINK << 8) | message;
}
