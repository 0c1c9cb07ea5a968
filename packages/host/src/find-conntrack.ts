import {
  type ConntrackEntry,
  type ConntrackTuple,
  decodeConntrack,
  encodeConntrackByReply,
} from './conntrack-entry.ts';
import { refusedWith } from './errors.ts';
import { inNamespace } from './namespace/in-namespace.ts';
import { IPCTNL_MSG_CT, NETLINK, NFNL_SUBSYS } from './netlink/constants.ts';
import { NetlinkSocket } from './netlink/socket.ts';

/**
 * The tracked connection whose answers have these ports and addresses: so one end of a connection learns where the
 * other meant to go before anything was translated. One question to the kernel, however many connections there are.
 * Undefined when no such connection is tracked, in zone 0, or this kernel tracks none.
 */
export function findConntrack(reply: ConntrackTuple, namespacePath?: string): ConntrackEntry | undefined {
  const find = (): ConntrackEntry | undefined => {
    using socket = NetlinkSocket.open(NETLINK.NETFILTER);
    const type = (NFNL_SUBSYS.CTNETLINK << 8) | IPCTNL_MSG_CT.GET;
    return decodeConntrack(
      socket.get({ operation: 'find a tracked connection', type, body: encodeConntrackByReply(reply) }).body,
    );
  };
  try {
    return namespacePath === undefined ? find() : inNamespace(namespacePath, find);
  } catch (error) {
    // No such connection; no tracking at all.
    if (refusedWith(error, 'ENOENT', 'EPROTONOSUPPORT', 'EINVAL')) return undefined;
    throw error;
  }
}
