import {
  type ConntrackEntry,
  type ConntrackFilter,
  conntrackMatches,
  decodeConntrack,
  encodeConntrackDeletion,
  nfgenmsg,
} from './conntrack-entry.ts';
import { refusedWith } from './errors.ts';
import { IPCTNL_MSG_CT, NETLINK, NFNL_SUBSYS_CTNETLINK } from './netlink/constants.ts';
import { NetlinkSocket } from './netlink/socket.ts';

/** The tracked connections of a namespace that pass the filter. */
export function listConntrack(filter: ConntrackFilter = {}, namespacePath?: string): ConntrackEntry[] {
  using socket = NetlinkSocket.open(NETLINK.NETFILTER, namespacePath);
  return matching(socket, filter).map(({ entry }) => entry);
}

/**
 * Deletes the tracked connections of a namespace that pass the filter, so that their next packets are looked at anew,
 * and says how many there were. Those that end meanwhile are not counted.
 */
export function deleteConntrack(filter: ConntrackFilter, namespacePath?: string): number {
  using socket = NetlinkSocket.open(NETLINK.NETFILTER, namespacePath);
  let deleted = 0;
  for (const { body } of matching(socket, filter)) {
    try {
      const type = messageType(IPCTNL_MSG_CT.DELETE);
      socket.change({ operation: 'delete a tracked connection', type, body: encodeConntrackDeletion(body) });
      deleted++;
    } catch (error) {
      if (!refusedWith(error, 'ENOENT')) throw error;
    }
  }
  return deleted;
}

function matching(socket: NetlinkSocket, filter: ConntrackFilter): { entry: ConntrackEntry; body: Uint8Array }[] {
  const type = messageType(IPCTNL_MSG_CT.GET);
  const answer = socket.dump({ operation: 'list the tracked connections', type, body: [nfgenmsg.write({})] });
  return answer.flatMap(({ body }) => {
    const entry = decodeConntrack(body);
    return entry && conntrackMatches(entry, filter) ? [{ entry, body }] : [];
  });
}

/** The subsystem is in the high byte of the type. */
function messageType(message: number): number {
  return (NFNL_SUBSYS_CTNETLINK << 8) | message;
}
