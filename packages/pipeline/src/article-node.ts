import { vnidOf } from '@tenet/model';
import { Ip, Mac, Prefix } from '@tenet/std';
import type { ExplainedNode } from './compile.ts';

/**
 * A node with the addresses of the article, one pod, one peer and one service: it has a flow of every kind. For texts
 * and tests.
 */
export const ARTICLE_NODE: ExplainedNode = {
  node: {
    datapath: 'netdev',
    clusterNetworks: [Prefix.parse('10.128.0.0/14')],
    serviceNetwork: Prefix.parse('172.30.0.0/16'),
    subnet: Prefix.parse('10.131.2.0/23'),
    gateway: Ip.parse('10.131.2.1'),
    gatewayMac: Mac.parse('0a:58:0a:83:02:01'),
    nodeIp: Ip.parse('10.122.70.72'),
    vxlanPort: 4789,
    mtuBytes: 1450,
  },
  pod: { ip: Ip.parse('10.131.2.46'), mac: Mac.parse('0a:58:0a:83:02:2e'), ofPort: 46, vnid: vnidOf(0x5a2) },
  peer: { id: 0x0f46ee1a, hostIp: Ip.parse('10.122.70.73'), subnet: Prefix.parse('10.130.0.0/23') },
  service: {
    id: 0x2d1f00c5,
    clusterIp: Ip.parse('172.30.229.30'),
    vnid: vnidOf(0x5a2),
    ports: [{ protocol: 'tcp', port: 9200 }],
  },
};
