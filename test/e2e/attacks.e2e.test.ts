/** What a hostile pod, a hostile peer and a hostile outsider can send by hand, and that none of it gets through. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { bindUdp, Netlink, PacketSocket } from '@tenet/host';
import type { DropClass } from '@tenet/pipeline';
import { buildFrame, type FrameSpec, Ip, Mac, toHex } from '@tenet/std';
import { eventually } from '../eventually.ts';
import { arpFrame, isArpReply, isMarked, routerAdvertisement, udpFrame, vxlanPayload } from './frames.ts';
import { ATTACKS, type Cast, GATEWAY, HERE, OUTSIDE, PEER_IP, SERVICE } from './hostile-frames.ts';
import { type LabPod, type PrivateLab, privateLab } from './private-lab.ts';

let lab: PrivateLab;
let cast: Cast;

before(async () => {
  lab = await privateLab();
  cast = {
    attacker: await lab.pod('beta/db'),
    victim: await lab.pod('alpha/web'),
    remoteVictim: await lab.pod('alpha/client'),
    hostEnd: hostEndOf(await lab.pod('beta/db')),
  };
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

describe('a pod of beta that sends frames by hand', () => {
  for (const { name, stoppedBy, on = HERE, frames, ...row } of ATTACKS) {
    test(`${name} is counted as ${stoppedBy} on ${on} and reaches nobody`, async () => {
      const counted = lab.datapath === 'system' ? (row.countedBySystem ?? row.counted) : row.counted;
      await attack({
        from: { namespace: cast.attacker.netns, link: 'eth0' },
        frames: frames(cast),
        node: on,
        stoppedBy,
        ...(counted === undefined ? {} : { expected: counted }),
      });
    });
  }
});

/** A bridge hands what goes to this address to the kernel itself, whatever else it does with frames (IEEE 802.1Q §8.6.3). */
const RESERVED = Mac.parse('01:80:c2:00:00:02');
const NOBODY = Ip.parse('0.0.0.0');
const NODE_IP = Ip.parse('10.122.70.72');

const TO_THE_NODE: readonly {
  readonly name: string;
  readonly stoppedBy: DropClass;
  readonly frame: () => FrameSpec;
}[] = [
  {
    name: 'UDP to the limited broadcast address',
    stoppedBy: 'spoofed-ip',
    frame: () => udpFrame({ ...fromNobody(), destination: Ip.parse('255.255.255.255') }),
  },
  {
    name: 'UDP to all hosts of the link',
    stoppedBy: 'spoofed-ip',
    frame: () => udpFrame({ ...fromNobody(), destination: Ip.parse('224.0.0.1') }),
  },
  {
    name: "ARP from nobody for the node's address",
    stoppedBy: 'spoofed-arp',
    frame: () => arpFrame({ ...fromNobody(), destination: NODE_IP }),
  },
  {
    name: 'an IPv6 router advertisement',
    stoppedBy: 'ipv6',
    frame: () => routerAdvertisement({ from: cast.attacker.mac, to: RESERVED }),
  },
];

describe("a pod of beta that speaks to its node's own stack, past the switch", () => {
  for (const { name, stoppedBy, frame } of TO_THE_NODE) {
    test(`${name} is counted as ${stoppedBy}, and the node neither hears, answers nor believes it`, async () => {
      const namespace = lab.netns(`node/${HERE}`);
      await using ears = listenUdp({ namespace, port: 9999 });
      using pod = PacketSocket.open({ namespace: cast.attacker.netns, link: 'eth0' });
      await attack({
        from: { namespace: cast.attacker.netns, link: 'eth0' },
        frames: [buildFrame(frame())],
        node: HERE,
        stoppedBy,
      });
      assert.deepEqual(ears.heard, []);
      const answers = pod.received().filter((bytes) => isArpReply(bytes));
      // The pod's own stack may be asking for its gateway, which answers as itself, by the switch.
      const isGateways = (bytes: Uint8Array) => toHex(bytes.subarray(6, 12)) === toHex(Mac.fromIpv4(GATEWAY).toBytes());
      assert.deepEqual(
        answers.filter((bytes) => !isGateways(bytes)),
        [],
      );
      assert.equal(await lab.inNetns(`node/${HERE}`, 'ip', '-6', 'route', 'show', 'default'), '');
    });
  }

  test('the same socket hears what is meant for it: the silence of these tests means something', async () => {
    const namespace = lab.netns(`node/${HERE}`);
    await using ears = listenUdp({ namespace, port: 9999 });
    await lab.inNetns(`node/${HERE}`, 'bash', '-c', 'echo here > /dev/udp/10.122.70.72/9999');
    await eventually(() => (ears.heard.length > 0 ? true : undefined), { what: 'a datagram' });
  });
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
  /** How many frames it must count; all unless told. */
  readonly expected?: number;
}

/** Sends the frames; the class must count them, and neither victim may see a marked frame, nor the gateway a tunnel packet. */
async function attack({ from, frames, node, stoppedBy, expected = frames.length }: Try): Promise<void> {
  const counted = async () => (await lab.drops(node)).get(stoppedBy) ?? 0;
  const before = await counted();
  using here = PacketSocket.open({ namespace: cast.victim.netns, link: 'eth0' });
  using there = PacketSocket.open({ namespace: cast.remoteVictim.netns, link: 'eth0' });
  using host = PacketSocket.open({ namespace: lab.netns(`node/${HERE}`), link: 'tun0' });
  using outside = PacketSocket.open({ namespace: lab.netns('outside'), link: 'eth0' });
  using sender = PacketSocket.open(from);
  for (const frame of frames) sender.send(frame);
  // Counters are credited about twice a second; when they have moved, the packet is long where it was going.
  await eventually(async () => ((await counted()) >= before + expected ? true : undefined), {
    what: `${expected} more packets counted as ${stoppedBy} on ${node}`,
  });
  assert.deepEqual([here, there, host, outside].flatMap((socket) => socket.received()).filter(isMarked), []);
}

/** From a pod without an address, as one that asks for its own, to the node behind the switch. */
function fromNobody() {
  return { from: cast.attacker.mac, to: RESERVED, source: NOBODY };
}

/** All datagrams that arrive at a port of a namespace, whatever address they went to. */
function listenUdp({ namespace, port }: { readonly namespace: string; readonly port: number }) {
  const heard: string[] = [];
  const socket = createSocket('udp4', (message) => heard.push(message.toString()));
  socket.bind({ fd: bindUdp({ namespace, address: NOBODY, port }) });
  return {
    heard,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** The MAC of the other end of a pod's link, in its node. */
function hostEndOf(pod: LabPod): Mac {
  using inside = Netlink.open(pod.netns);
  using node = Netlink.open(lab.netns(`node/${pod.node}`));
  const index = inside.link('eth0')?.peerIndex;
  const mac = node.links().find((link) => link.index === index)?.mac;
  assert.ok(mac !== undefined, `no other end of the link of ${pod.name}`);
  return mac;
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
