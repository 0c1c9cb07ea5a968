import type { Netlink } from '@tenet/host';
import { VXLAN_OVERHEAD_BYTES } from '@tenet/model';
import type { OvsCache } from '@tenet/ovsdb';
import type { NodeNetwork } from '@tenet/pipeline';
import { failAgent } from '../errors.ts';

/**
 * Checks the link that holds the node's address: NODE_IP_NOT_HERE, NIC_MTU_TOO_SMALL, and for the userspace datapath
 * NIC_NOT_IN_USERSPACE_BRIDGE, since its tunnels leave through a bridge of its own kind only. Returns the link's name.
 */
export function checkNodeLink(netlink: Netlink, cache: OvsCache, nodeName: string, node: NodeNetwork): string {
  const ip = node.nodeIp.toString();
  const link = netlink.addresses().find(({ address }) => address.equals(node.nodeIp))?.link;
  if (link === undefined) return failAgent('NODE_IP_NOT_HERE', { node: nodeName, ip });
  const neededBytes = node.mtuBytes + VXLAN_OVERHEAD_BYTES;
  const mtuBytes = netlink.link(link)?.mtu ?? 0;
  if (mtuBytes < neededBytes)
    failAgent('NIC_MTU_TOO_SMALL', { link, mtuBytes, neededBytes, overlayBytes: node.mtuBytes });
  if (node.datapath === 'netdev' && cache.bridge(link)?.datapath_type !== 'netdev')
    failAgent('NIC_NOT_IN_USERSPACE_BRIDGE', { link, ip });
  return link;
}
