/** What the host's guards are there for: a packet for each, the rule that must stop it, and where it would arrive. */
import { buildFrame, type FrameSpec, Ip, Mac } from '@tenet/std';
import { fragmentsOf, MARK, udpFrame, vxlanPayload } from './frames.ts';
import { GATEWAY, OUTSIDE, PEER_IP, SERVICE } from './hostile-frames.ts';
import type { LabPod } from './private-lab.ts';

export const NODE_IP = Ip.parse('10.122.70.72');
const STRANGER = Mac.parse('02:00:00:00:00:99');
const VXLAN_PORT = 4789;
export const CLUSTER = '10.128.0.0/14';
export const SERVICES = '172.30.0.0/16';

/** Who takes part: pods of this node, alpha's pod on the other, and the MAC of the node on the underlay. */
export interface GuardCast {
  /** VNID 0. */
  readonly global: LabPod;
  /** Of beta. */
  readonly attacker: LabPod;
  /** Of alpha. */
  readonly victim: LabPod;
  readonly remoteVictim: LabPod;
  readonly nodeMac: Mac;
}

/** Where frames are sent and heard. */
export type PlaceName = 'underlay' | 'attacker' | 'victim' | 'remoteVictim' | 'peer';

export interface GuardedPacket {
  readonly name: string;
  /** The one rule that is in place; it must count the packet. */
  readonly guard: { readonly table: 'raw' | 'filter'; readonly chain: string; readonly rule: string };
  /** A chain of services in the filter table, and its rule that would drop it as well. */
  readonly besides?: string;
  readonly from: PlaceName;
  readonly frames: (cast: GuardCast) => readonly Uint8Array[];
  /** Where it arrives once the rule is gone. */
  readonly at: PlaceName;
  /** A rule by which the node's own nat sends it on, as that of a service does. */
  readonly translated?: (cast: GuardCast) => string;
  /** br0 shows no ports of fragments, as after a restart of ovs-vswitchd. */
  readonly blindForFragments?: boolean;
}

const RAW = { table: 'raw', chain: 'TENET-PREROUTING' } as const;
const GUARD = { table: 'filter', chain: 'TENET-GUARD' } as const;
const NO_TUNNEL = { ...GUARD, rule: '-p udp -m udp --dport 4789 -j DROP' };

export const GUARDED: readonly GuardedPacket[] = [
  {
    name: "a pod's source address from outside",
    guard: { ...RAW, rule: `-s ${CLUSTER} ! -i tun0 -j DROP` },
    from: 'underlay',
    frames: (c) => [fromOutside(c, { source: c.global.ip, destination: c.victim.ip })],
    at: 'victim',
  },
  {
    name: "a service's source address from outside",
    guard: { ...RAW, rule: `-s ${SERVICES} ! -i tun0 -j DROP` },
    from: 'underlay',
    frames: (c) => [fromOutside(c, { source: SERVICE, destination: c.victim.ip })],
    at: 'victim',
  },
  {
    name: 'a packet from outside to the cluster IP of a service that this node translates',
    guard: { ...RAW, rule: `-d ${SERVICES} ! -i tun0 -j DROP` },
    from: 'underlay',
    frames: (c) => [fromOutside(c, { source: OUTSIDE, destination: SERVICE })],
    at: 'victim',
    translated: (c) => `-d ${SERVICE} -p udp --dport 9999 -j DNAT --to-destination ${c.victim.ip}:9999`,
  },
  {
    name: 'a packet that outside routes straight to a pod',
    guard: {
      ...GUARD,
      rule: '! -i tun0 -o tun0 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP',
    },
    from: 'underlay',
    frames: (c) => [fromOutside(c, { source: OUTSIDE, destination: c.victim.ip })],
    at: 'victim',
  },
  {
    name: 'a TCP segment of a pod that belongs to no connection, and so would keep its address',
    guard: { ...GUARD, rule: `-s ${CLUSTER} -m conntrack --ctstate INVALID -j DROP` },
    besides: 'KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
    from: 'attacker',
    frames: (c) => [strayReset(c)],
    at: 'underlay',
  },
  {
    name: "a pod's tunnel packet to an address that this node translates to the peer's tunnel",
    guard: NO_TUNNEL,
    from: 'attacker',
    frames: (c) => [buildFrame(forgedTunnel(c, OUTSIDE, 5353))],
    at: 'remoteVictim',
    translated: () => `-d ${OUTSIDE} -p udp --dport 5353 -j DNAT --to-destination ${PEER_IP}:${VXLAN_PORT}`,
  },
  {
    name: "the same in fragments, which reach the peer's own stack",
    guard: NO_TUNNEL,
    from: 'attacker',
    frames: (c) => fragmentsOf(forgedTunnel(c, OUTSIDE, 5353), 24),
    at: 'peer',
    translated: () => `-d ${OUTSIDE} -p udp --dport 5353 -j DNAT --to-destination ${PEER_IP}:${VXLAN_PORT}`,
  },
  {
    name: "a pod's tunnel packet in fragments that br0 does not look into",
    guard: NO_TUNNEL,
    from: 'attacker',
    frames: (c) => fragmentsOf(forgedTunnel(c, PEER_IP, VXLAN_PORT), 24),
    at: 'peer',
    blindForFragments: true,
  },
];

/** To the node on the underlay, routed by whoever has the MAC. */
export function fromOutside(
  { nodeMac }: GuardCast,
  { source, destination, port = 9999 }: { readonly source: Ip; readonly destination: Ip; readonly port?: number },
): Uint8Array {
  return buildFrame(udpFrame({ from: STRANGER, to: nodeMac, source, destination }, { port }));
}

/** A tunnel packet to the node, with a packet of `source` to the victim inside. */
export function tunnelPacket(
  { nodeMac, victim }: GuardCast,
  { from, source }: { readonly from: Ip; readonly source: Ip },
): FrameSpec {
  const inner = udpFrame({ from: Mac.fromIpv4(source), to: victim.mac, source, destination: victim.ip });
  const ends = { from: STRANGER, to: nodeMac, source: from, destination: NODE_IP };
  return udpFrame(ends, { port: VXLAN_PORT, payload: vxlanPayload(victim.vnid, inner) });
}

/** What the attacker sends: a tunnel packet as if alpha's pod on this node spoke to the one on the other. */
function forgedTunnel({ attacker, victim, remoteVictim }: GuardCast, destination: Ip, port: number): FrameSpec {
  const inner = udpFrame({
    from: victim.mac,
    to: remoteVictim.mac,
    source: victim.ip,
    destination: remoteVictim.ip,
  });
  const ends = { from: attacker.mac, to: Mac.fromIpv4(GATEWAY), source: attacker.ip, destination };
  return udpFrame(ends, { port, payload: vxlanPayload(victim.vnid, inner) });
}

function strayReset({ attacker }: GuardCast): Uint8Array {
  return buildFrame({
    ethernet: { source: attacker.mac, destination: Mac.fromIpv4(GATEWAY) },
    network: {
      kind: 'ipv4',
      header: { source: attacker.ip, destination: OUTSIDE, ttl: 64 },
      transport: { kind: 'tcp', header: { sourcePort: 4001, destinationPort: 80, flags: ['RST'] }, payload: MARK },
    },
  });
}
