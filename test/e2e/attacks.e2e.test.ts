/** What a hostile pod, a hostile peer and a hostile outsider can send by hand, and that none of it gets through. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PacketSocket } from '@tenet/host';
import type { DropClass } from '@tenet/pipeline';
import { buildFrame, type FrameSpec, Ip, Mac } from '@tenet/std';
import { arpFrame, BROADCAST, fragmentsOf, isMarked, MARK, udpFrame, vxlanPayload } from './frames.ts';
import { eventually, type LabPod, type PrivateLab, privateLab } from './private-lab.ts';

const HERE = 'dt-infra1';
const THERE = 'dt-node2';
const GATEWAY = Ip.parse('10.131.2.1');
const GATEWAY_MAC = Mac.fromIpv4(GATEWAY);
const PEER_IP = Ip.parse('10.122.70.73');
const OUTSIDE = Ip.parse('198.51.100.10');
const SERVICE = Ip.parse('172.30.0.99');

/** Beta's pod attacks, alpha's pod on the same node and the one on the other node are its victims. */
interface Cast {
  readonly attacker: LabPod;
  readonly victim: LabPod;
  readonly remoteVictim: LabPod;
}

interface Attack {
  readonly name: string;
  /** The class that must count it, on this node. */
  readonly stoppedBy: DropClass;
  readonly on?: typeof HERE | typeof THERE;
  readonly frames: (cast: Cast) => Uint8Array[];
}

let lab: PrivateLab;
let cast: Cast;

/** From the attacker itself to an address, through the gateway. */
function toward({ attacker }: Cast, destination: Ip) {
  return { from: attacker.mac, to: GATEWAY_MAC, source: attacker.ip, destination };
}

function one(spec: FrameSpec): Uint8Array[] {
  return [buildFrame(spec)];
}

/** A whole VXLAN packet to the peer node with alpha's VNI, as if alpha's pod on this node spoke to the one over there. */
function forgedTunnel(c: Cast): FrameSpec {
  const inner = udpFrame({
    from: c.victim.mac,
    to: c.remoteVictim.mac,
    source: c.victim.ip,
    destination: c.remoteVictim.ip,
  });
  return udpFrame(toward(c, PEER_IP), { port: 4789, payload: vxlanPayload(c.victim.vnid, inner) });
}

function tagged(c: Cast, tag: { readonly vid: number; readonly priority: number }): Uint8Array[] {
  return one({ ...udpFrame(toward(c, c.victim.ip)), vlans: [tag] });
}

const ATTACKS: readonly Attack[] = [
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
  { name: 'the same in fragments', stoppedBy: 'forged-vxlan', frames: (c) => fragmentsOf(forgedTunnel(c), 24) },
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
    on: THERE,
    frames: (c) => fragmentsOf(udpFrame(toward(c, c.remoteVictim.ip)), 16),
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

before(async () => {
  lab = await privateLab();
  cast = {
    attacker: await lab.pod('beta/db'),
    victim: await lab.pod('alpha/web'),
    remoteVictim: await lab.pod('alpha/client'),
  };
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

describe('a pod of beta that sends frames by hand', () => {
  for (const { name, stoppedBy, on = HERE, frames } of ATTACKS) {
    test(`${name} is counted as ${stoppedBy} on ${on} and reaches nobody`, async () => {
      await attack({
        from: { namespace: cast.attacker.netns, link: 'eth0' },
        frames: frames(cast),
        node: on,
        stoppedBy,
      });
    });
  }
});

describe('somebody on the underlay', () => {
  test('VXLAN from an address that is no node is counted as tunnel-unknown-peer', async () => {
    const inner = udpFrame({
      from: cast.remoteVictim.mac,
      to: cast.victim.mac,
      source: cast.remoteVictim.ip,
      destination: cast.victim.ip,
    });
    const frame = await underlayFrame(Ip.parse('10.122.70.99'), inner, cast.victim.vnid);
    await attack({ from: underlay(), frames: [frame], node: HERE, stoppedBy: 'tunnel-unknown-peer' });
  });

  const INNER_SOURCES = [
    { name: "one of this node's own pods", source: () => cast.attacker.ip },
    { name: 'the gateway', source: () => GATEWAY },
    { name: 'an address outside', source: () => OUTSIDE },
  ];
  for (const { name, source } of INNER_SOURCES) {
    test(`a peer that tunnels packets of ${name} is counted as tunnel-bad-inner`, async () => {
      const inner = udpFrame({
        from: cast.remoteVictim.mac,
        to: cast.victim.mac,
        source: source(),
        destination: cast.victim.ip,
      });
      const frame = await underlayFrame(PEER_IP, inner, cast.victim.vnid);
      await attack({ from: underlay(), frames: [frame], node: HERE, stoppedBy: 'tunnel-bad-inner' });
    });
  }

  test("a peer's true packet does arrive: the frames of these tests are good ones", async () => {
    const inner = udpFrame({
      from: cast.remoteVictim.mac,
      to: cast.victim.mac,
      source: cast.remoteVictim.ip,
      destination: cast.victim.ip,
    });
    const frame = await underlayFrame(PEER_IP, inner, cast.victim.vnid);
    using sniffer = PacketSocket.open({ namespace: cast.victim.netns, link: 'eth0' });
    using sender = PacketSocket.open(underlay());
    sender.send(frame);
    await eventually(() => (sniffer.received().some(isMarked) ? true : undefined), {
      what: 'the marked packet in the pod',
    });
  });

  const FORGERIES = [
    {
      name: "bears a pod's source address",
      source: () => cast.remoteVictim.ip,
      destination: () => cast.victim.ip,
      table: 'raw',
      chain: 'TENET-PREROUTING',
      rule: '-s 10.128.0.0/14',
    },
    {
      name: "bears a service's source address",
      source: () => SERVICE,
      destination: () => cast.victim.ip,
      table: 'raw',
      chain: 'TENET-PREROUTING',
      rule: '-s 172.30.0.0/16',
    },
    {
      name: 'routes to a cluster IP',
      source: () => OUTSIDE,
      destination: () => SERVICE,
      table: 'raw',
      chain: 'TENET-PREROUTING',
      rule: '-d 172.30.0.0/16',
    },
    {
      name: 'routes to a pod of this node',
      source: () => OUTSIDE,
      destination: () => cast.victim.ip,
      table: 'filter',
      chain: 'TENET-GUARD',
      rule: '--ctstate DNAT',
    },
    {
      name: 'routes to a pod of another node',
      source: () => OUTSIDE,
      destination: () => cast.remoteVictim.ip,
      table: 'filter',
      chain: 'TENET-GUARD',
      rule: '--ctstate DNAT',
    },
    {
      name: 'routes tunnel packets through a node',
      source: () => OUTSIDE,
      destination: () => PEER_IP,
      table: 'filter',
      chain: 'TENET-GUARD',
      rule: '--dport 4789',
      port: 4789,
    },
  ];
  for (const { name, source, destination, table, chain, rule, port } of FORGERIES) {
    test(`who ${name} is stopped and counted by ${chain}`, async () => {
      // Whatever the administrator thinks of reverse paths, nothing may rest on it.
      for (const link of ['all', 'eth0', 'tun0'])
        await lab.inNetns(`node/${HERE}`, 'sysctl', '-qw', `net.ipv4.conf.${link}.rp_filter=0`);
      const to = await underlayMac(HERE);
      const frame = buildFrame(
        udpFrame(
          { from: Mac.parse('02:00:00:00:00:99'), to, source: source(), destination: destination() },
          port === undefined ? {} : { port },
        ),
      );
      const counted = () => ruleCount(table, chain, rule);
      const before = await counted();
      using here = PacketSocket.open({ namespace: cast.victim.netns, link: 'eth0' });
      using there = PacketSocket.open({ namespace: cast.remoteVictim.netns, link: 'eth0' });
      using sender = PacketSocket.open(underlay());
      sender.send(frame);
      await eventually(async () => ((await counted()) > before ? true : undefined), {
        what: `a packet counted by ${chain} ${rule}`,
      });
      assert.deepEqual([...here.received(), ...there.received()].filter(isMarked), []);
    });
  }

  function underlay() {
    return { namespace: lab.paths.namespace('underlay'), link: 'underlay' };
  }
});

interface Try {
  readonly from: { readonly namespace: string; readonly link: string };
  readonly frames: readonly Uint8Array[];
  readonly node: string;
  readonly stoppedBy: DropClass;
}

/** Sends the frames; the class must count them, and neither victim may see a marked frame, nor the gateway a tunnel packet. */
async function attack({ from, frames, node, stoppedBy }: Try): Promise<void> {
  const counted = async () => (await lab.drops(node)).get(stoppedBy) ?? 0;
  const before = await counted();
  using here = PacketSocket.open({ namespace: cast.victim.netns, link: 'eth0' });
  using there = PacketSocket.open({ namespace: cast.remoteVictim.netns, link: 'eth0' });
  using host = PacketSocket.open({ namespace: lab.netns(`node/${HERE}`), link: 'tun0' });
  using sender = PacketSocket.open(from);
  for (const frame of frames) sender.send(frame);
  // Counters are credited about twice a second; when they have moved, the packet is long where it was going.
  await eventually(async () => ((await counted()) >= before + frames.length ? true : undefined), {
    what: `${frames.length} more packets counted as ${stoppedBy} on ${node}`,
  });
  assert.deepEqual([...here.received(), ...there.received(), ...host.received()].filter(isMarked), []);
}

/** The MAC of a node's address on the underlay. */
async function underlayMac(node: string): Promise<Mac> {
  const [link] = JSON.parse(await lab.inNetns(`node/${node}`, 'ip', '-j', 'link', 'show', 'eth0'));
  return Mac.parse(link.address);
}

/** A VXLAN packet on the wire of the underlay, from an address to this node. */
async function underlayFrame(source: Ip, inner: FrameSpec, vni: number): Promise<Uint8Array> {
  const ends = {
    from: Mac.parse('02:00:00:00:00:99'),
    to: await underlayMac(HERE),
    source,
    destination: Ip.parse('10.122.70.72'),
  };
  return buildFrame(udpFrame(ends, { port: 4789, payload: vxlanPayload(vni, inner) }));
}

/** Packets that a rule of the node has counted. */
async function ruleCount(table: string, chain: string, rule: string): Promise<number> {
  const text = await lab.inNetns(`node/${HERE}`, 'iptables-save', '-c', '-t', table);
  const line = text.split('\n').find((candidate) => candidate.includes(`-A ${chain} `) && candidate.includes(rule));
  assert.ok(line !== undefined, `no rule ${rule} in ${chain}`);
  return Number(/^\[(\d+):/.exec(line)?.[1]);
}
