/** What a pod of beta can try with frames that it writes by hand, and what must stop each. */
import type { DropClass } from '@tenet/pipeline';
import { buildFrame, type FrameSpec, Ip, Mac } from '@tenet/std';
import { arpFrame, BROADCAST, fragmentsOf, MARK, udpFrame, vxlanPayload } from './frames.ts';
import type { LabPod } from './private-lab.ts';

export const HERE = 'dt-infra1';
const THERE = 'dt-node2';
export const GATEWAY = Ip.parse('10.131.2.1');
const GATEWAY_MAC = Mac.fromIpv4(GATEWAY);
export const PEER_IP = Ip.parse('10.122.70.73');
export const OUTSIDE = Ip.parse('198.51.100.10');
export const SERVICE = Ip.parse('172.30.0.99');

/** The mark and then enough for a second fragment, which the mark is not in. */
const LONG = new Uint8Array(2000);
LONG.set(MARK);

/** Beta's pod attacks, alpha's pod on the same node and the one on the other node are its victims. */
export interface Cast {
  readonly attacker: LabPod;
  readonly victim: LabPod;
  readonly remoteVictim: LabPod;
  /** The MAC of the attacker's link in the host. */
  readonly hostEnd: Mac;
}

export interface Attack {
  readonly name: string;
  /** How many of the frames the class must count; all unless told. */
  readonly counted?: number;
  /** How many on the kernel's datapath, if that differs: its conntrack makes one packet of the fragments that it is shown. */
  readonly countedBySystem?: number;
  /** The class that must count it, on this node. */
  readonly stoppedBy: DropClass;
  readonly on?: typeof HERE | typeof THERE;
  readonly frames: (cast: Cast) => Uint8Array[];
}

/** From the attacker itself to an address, through the gateway. */
function toward({ attacker }: Cast, destination: Ip) {
  return { from: attacker.mac, to: GATEWAY_MAC, source: attacker.ip, destination };
}

function one(spec: FrameSpec): Uint8Array[] {
  return [buildFrame(spec)];
}

/** A whole VXLAN packet to the peer node with alpha's VNI, as if alpha's pod on this node spoke to the one over there. */
function forgedTunnel(c: Cast, payload = MARK): FrameSpec {
  const ends = { from: c.victim.mac, to: c.remoteVictim.mac, source: c.victim.ip, destination: c.remoteVictim.ip };
  return udpFrame(toward(c, PEER_IP), {
    port: 4789,
    payload: vxlanPayload(c.victim.vnid, udpFrame(ends, { payload })),
  });
}

function tagged(c: Cast, tag: { readonly vid: number; readonly priority: number }): Uint8Array[] {
  return one({ ...udpFrame(toward(c, c.victim.ip)), vlans: [tag] });
}

export const ATTACKS: readonly Attack[] = [
  {
    name: "a pod of alpha's source address",
    stoppedBy: 'spoofed-ip',
    frames: (c) => one(udpFrame({ ...toward(c, c.remoteVictim.ip), source: c.victim.ip })),
  },
  {
    name: "the gateway's source address",
    stoppedBy: 'spoofed-ip',
    frames: (c) => one(udpFrame({ ...toward(c, c.victim.ip), source: GATEWAY })),
  },
  {
    name: "a service's source address",
    stoppedBy: 'spoofed-ip',
    frames: (c) => one(udpFrame({ ...toward(c, c.victim.ip), source: SERVICE })),
  },
  {
    name: 'another source MAC',
    stoppedBy: 'spoofed-ip',
    frames: (c) => one(udpFrame({ ...toward(c, c.victim.ip), from: c.victim.mac })),
  },
  {
    name: "an outside address to the outside, with the MAC of the host's end of its own link",
    stoppedBy: 'spoofed-ip',
    frames: (c) => one(udpFrame({ ...toward(c, OUTSIDE), to: c.hostEnd, source: Ip.parse('10.122.70.50') })),
  },
  {
    name: 'an ARP reply for another pod',
    stoppedBy: 'spoofed-arp',
    frames: (c) =>
      one(
        arpFrame(
          { from: c.attacker.mac, to: c.victim.mac, source: c.remoteVictim.ip, destination: c.victim.ip },
          { reply: true },
        ),
      ),
  },
  {
    name: 'ARP with its own address and another MAC inside',
    stoppedBy: 'spoofed-arp',
    frames: (c) =>
      one(
        arpFrame(
          { from: c.attacker.mac, to: BROADCAST, source: c.attacker.ip, destination: c.victim.ip },
          { senderMac: c.victim.mac },
        ),
      ),
  },
  {
    name: 'a broadcast ARP reply as the gateway',
    stoppedBy: 'forged-gateway-arp',
    frames: (c) =>
      one(
        arpFrame({ from: c.attacker.mac, to: BROADCAST, source: GATEWAY, destination: c.victim.ip }, { reply: true }),
      ),
  },
  {
    name: 'ARP for a pod of alpha on its own node',
    stoppedBy: 'tenant-mismatch',
    frames: (c) =>
      one(arpFrame({ from: c.attacker.mac, to: BROADCAST, source: c.attacker.ip, destination: c.victim.ip })),
  },
  {
    name: 'ARP for a pod of alpha on the other node',
    stoppedBy: 'tenant-mismatch',
    on: THERE,
    frames: (c) =>
      one(arpFrame({ from: c.attacker.mac, to: BROADCAST, source: c.attacker.ip, destination: c.remoteVictim.ip })),
  },
  {
    name: "a VXLAN packet to the peer node with alpha's VNI",
    stoppedBy: 'forged-vxlan',
    frames: (c) => one(forgedTunnel(c)),
  },
  {
    name: 'the same in fragments, of which the first alone says what it is',
    counted: 1,
    stoppedBy: 'forged-vxlan',
    frames: (c) => fragmentsOf(forgedTunnel(c, LONG), 1400),
  },
  { name: 'a VLAN tag', stoppedBy: 'vlan', frames: (c) => tagged(c, { vid: 7, priority: 0 }) },
  { name: 'a priority tag, VLAN 0', stoppedBy: 'vlan', frames: (c) => tagged(c, { vid: 0, priority: 5 }) },
  {
    name: 'IPv6',
    stoppedBy: 'ipv6',
    frames: (c) =>
      one({
        ethernet: { source: c.attacker.mac, destination: c.victim.mac },
        network: {
          kind: 'ipv6',
          header: { source: Ip.parse('fe80::1'), destination: Ip.parse('ff02::1') },
          transport: { kind: 'udp', header: { sourcePort: 4000, destinationPort: 9999 }, payload: MARK },
        },
      }),
  },
  {
    name: 'LLDP',
    stoppedBy: 'ethertype',
    frames: (c) =>
      one({
        ethernet: { source: c.attacker.mac, destination: Mac.parse('01:80:c2:00:00:0e'), etherType: 0x88cc },
        network: { kind: 'raw', payload: MARK },
        padding: new Uint8Array(46 - MARK.length),
      }),
  },
  {
    name: 'an address of this node that no pod has',
    stoppedBy: 'unknown-pod',
    frames: (c) => one(udpFrame(toward(c, Ip.parse('10.131.3.200')))),
  },
  {
    name: "an address in no node's subnet",
    stoppedBy: 'unknown-node',
    frames: (c) => one(udpFrame(toward(c, Ip.parse('10.129.0.7')))),
  },
  {
    name: 'an address that no service has',
    stoppedBy: 'unknown-service',
    frames: (c) => one(udpFrame(toward(c, SERVICE))),
  },
  {
    name: "alpha's pod, with the gateway's MAC",
    stoppedBy: 'tenant-mismatch',
    frames: (c) => one(udpFrame(toward(c, c.victim.ip))),
  },
  {
    name: "alpha's pod, with the pod's own MAC",
    stoppedBy: 'tenant-mismatch',
    frames: (c) => one(udpFrame({ ...toward(c, c.victim.ip), to: c.victim.mac })),
  },
  {
    name: "alpha's pod on the other node",
    stoppedBy: 'tenant-mismatch',
    on: THERE,
    frames: (c) => one(udpFrame(toward(c, c.remoteVictim.ip))),
  },
  {
    name: "alpha's pod on the other node, in fragments",
    stoppedBy: 'tenant-mismatch',
    countedBySystem: 1,
    on: THERE,
    frames: (c) => fragmentsOf(udpFrame(toward(c, c.remoteVictim.ip), { payload: LONG }), 1400),
  },
  {
    name: 'a multicast group',
    stoppedBy: 'multicast-disabled',
    frames: (c) => one(udpFrame({ ...toward(c, Ip.parse('239.1.1.1')), to: Mac.parse('01:00:5e:01:01:01') })),
  },
  {
    name: 'the limited broadcast address',
    stoppedBy: 'broadcast',
    frames: (c) => one(udpFrame({ ...toward(c, Ip.parse('255.255.255.255')), to: BROADCAST })),
  },
  {
    name: 'ARP for an address outside',
    stoppedBy: 'arp-outside',
    frames: (c) => one(arpFrame({ from: c.attacker.mac, to: BROADCAST, source: c.attacker.ip, destination: OUTSIDE })),
  },
];
