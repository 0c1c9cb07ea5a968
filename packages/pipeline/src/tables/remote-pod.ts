import type { MatchInput } from '@tenet/openflow';
import type { Peer } from '../node-network.ts';
import { OF_PORT } from '../registers.ts';
import { ARP, IP, loadVni, output, REG0_TO_VNI, type Row, setField, to } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/** Table 50. ARP crosses the tunnel like any packet of the pod that asks. */
export const remoteArp: TableRows = {
  peer: (_node, peer) => [tunnelTo(peer, { ...ARP, arp_tpa: to(peer.subnet) })],
};

/** Table 90. The VNID of the source travels as the VNI; the other node checks it. */
export const remotePod: TableRows = {
  peer: (_node, peer) => [tunnelTo(peer, { ...IP, ip_dst: to(peer.subnet) })],
};

function tunnelTo(peer: Peer, match: MatchInput): Row {
  const vni = peer.fixedVnid === undefined ? REG0_TO_VNI : loadVni(peer.fixedVnid);
  return {
    priority: 100,
    match,
    apply: [vni, setField('tun_dst', peer.hostIp), output(OF_PORT.vxlan0)],
    why: "through the tunnel to the pod's node",
  };
}
