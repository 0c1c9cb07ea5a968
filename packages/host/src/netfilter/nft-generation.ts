import { failHost, refusedWith } from '../errors.ts';
import { readAttributes } from '../netlink/attributes.ts';
import { readBe32 } from '../netlink/bytes.ts';
import { NETLINK, NFNL_SUBSYS, NFT_MSG, NFTA_GEN_ID } from '../netlink/constants.ts';
import { nfgenmsg } from '../netlink/nfnetlink.ts';
import { NetlinkSocket } from '../netlink/socket.ts';

/**
 * The generation of a namespace's nf_tables rules: a number that moves with each commit, whoever makes it (nft,
 * iptables-nft, firewalld), and with nothing else, packets least of all. One round trip of 0.1 ms, where listing the
 * rules starts a process. Undefined in a kernel without nf_tables.
 */
export function readNftGeneration(namespacePath?: string): number | undefined {
  try {
    using socket = NetlinkSocket.open(NETLINK.NETFILTER, namespacePath);
    const { body } = socket.get({
      operation: 'read the generation of the nf_tables rules',
      type: (NFNL_SUBSYS.NFTABLES << 8) | NFT_MSG.GETGEN,
      body: [nfgenmsg.write({})],
    });
    const generation = readAttributes(body, nfgenmsg.lengthBytes).get(NFTA_GEN_ID);
    if (generation === undefined)
      return failHost('NETLINK_MALFORMED', { why: 'a generation of rules without a number' });
    return readBe32(generation);
  } catch (error) {
    // No netfilter netlink at all, or none of this subsystem.
    if (refusedWith(error, 'EPROTONOSUPPORT', 'EINVAL')) return undefined;
    throw error;
  }
}
