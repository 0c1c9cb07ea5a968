/** The sink: a link that the userspace datapath reads says nothing to the kernel's own stack, and all to a reader. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { after, before, test } from 'node:test';
import { bindUdp, inNamespace, PacketSocket, SINK, sinkLinks, writeSysctl } from '@tenet/host';
import { ARP_OPERATION, buildFrame, Ip, Mac, parseFrame } from '@tenet/std';
import { ip, type NodeAndPod, nodeAndPod, until, within } from './node-and-pod.ts';

const PORT = 9000;
/** The node's, on a link that the pod has no part in. */
const nodeAddress = Ip.parse('192.0.2.1');
const podAddress = Ip.parse('192.0.2.77');
const linkMac = Mac.parse('0a:00:00:00:00:01');
const podMac = Mac.parse('0a:00:00:00:00:02');

let ends: NodeAndPod;
let attacker: PacketSocket;
let reader: PacketSocket;
let service: Socket;
/** What the node's service got, as text. */
const got: string[] = [];
const undo = new DisposableStack();

before(() => {
  ends = undo.use(nodeAndPod('sink'));
  const { node, pod } = ends;
  node.netlink.addBridge('other');
  node.netlink.addAddress({ link: 'other', address: nodeAddress, prefixLength: 24 });
  node.netlink.changeLink('other', { up: true });
  const peer = { name: 'att0', namespace: pod.path, mac: podMac };
  node.netlink.addVeth({ name: 'tap0', mac: linkMac, peer });
  pod.netlink.changeLink('att0', { up: true });
  node.netlink.changeLink('tap0', { up: true });
  inNamespace(node.path, () => {
    for (const link of ['all', 'tap0']) writeSysctl(`net.ipv4.conf.${link}.rp_filter`, 0);
  });
  attacker = undo.use(PacketSocket.open({ link: 'att0', namespace: pod.path }));
  reader = undo.use(PacketSocket.open({ link: 'tap0', namespace: node.path }));
  service = createSocket('udp4').on('message', (message) => got.push(String(message)));
  undo.defer(() => service.close());
  service.bind({ fd: bindUdp({ namespace: node.path, address: nodeAddress, port: PORT }) });
});

after(() => undo.dispose());

/** UDP frames to the link's own MAC, to everybody, and to MACs that a bridge keeps for itself (IEEE 802.1D §7.12.6). */
const DESTINATIONS = [String(linkMac), 'ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:00', '01:80:c2:00:00:0e'];

/** Sends all of that and an ARP request for the node's address; says what came of them once the kernel is through. */
async function attack(): Promise<{ arpReplies: number; datagrams: string[]; read: number }> {
  got.length = 0;
  for (const socket of [attacker, reader]) socket.received();
  const request = {
    ...{ operation: ARP_OPERATION.REQUEST, senderMac: podMac, senderIp: podAddress },
    ...{ targetMac: Mac.parse('00:00:00:00:00:00'), targetIp: nodeAddress },
  };
  const arp = buildFrame({
    ethernet: { source: podMac, destination: Mac.BROADCAST },
    network: { kind: 'arp', packet: request },
  });
  const datagrams = DESTINATIONS.map((destination) =>
    buildFrame({
      ethernet: { source: podMac, destination: Mac.parse(destination) },
      network: {
        kind: 'ipv4',
        header: { source: podAddress, destination: nodeAddress, ttl: 64 },
        transport: {
          kind: 'udp',
          header: { sourcePort: 4000, destinationPort: PORT },
          payload: new TextEncoder().encode(destination),
        },
      },
    }),
  );
  const sent = [arp, ...datagrams];
  for (const frame of sent) attacker.send(frame);
  let read = 0;
  await until(() => {
    const frames = reader.received().map((frame) => Buffer.from(frame));
    read += frames.filter((frame) => sent.some((each) => frame.equals(each))).length;
    return read === sent.length;
  });
  // A datagram of the node's own comes behind all that was taken.
  within(ends.node.name, 'bash', '-c', `echo -n last >/dev/udp/${nodeAddress}/${PORT}`);
  await until(() => got.includes('last'));
  const replies = attacker.received().map((frame) => parseFrame(frame).network);
  const arpReplies = replies.filter(
    (network) => network.kind === 'arp' && network.packet.operation === ARP_OPERATION.REPLY,
  );
  return { arpReplies: arpReplies.length, datagrams: got.filter((text) => text !== 'last').sort(), read };
}

test('without a sink the kernel answers ARP and takes datagrams, for an address of another link', async () => {
  const { arpReplies, datagrams } = await attack();
  assert.equal(arpReplies, 1);
  assert.ok(datagrams.includes(String(linkMac)), datagrams.join());
});

test('sinkLinks() keeps all of it from the kernel, and nothing from a packet socket', async () => {
  assert.deepEqual(sinkLinks(ends.node.netlink, ['tap0', 'not-there']), [`bridge ${SINK}`, `tap0 in ${SINK}`]);
  assert.deepEqual(await attack(), { arpReplies: 0, datagrams: [], read: DESTINATIONS.length + 1 });
});

test('sinkLinks() changes nothing when all is so', () => {
  assert.deepEqual(sinkLinks(ends.node.netlink, ['tap0']), []);
});

test('sinkLinks() sets a sink down that somebody set up, and takes back a link that somebody took out', async () => {
  const { name, netlink } = ends.node;
  netlink.changeLink(SINK, { up: true });
  assert.deepEqual(sinkLinks(netlink, ['tap0']), [`bridge ${SINK} down`]);
  assert.equal(netlink.link(SINK)?.up, false);
  netlink.changeLink('tap0', { master: null });
  assert.deepEqual(sinkLinks(netlink, ['tap0']), [`tap0 in ${SINK}`]);
  assert.equal(ip(name, 'link', 'show', 'tap0')[0]?.master, SINK);
  assert.deepEqual(await attack(), { arpReplies: 0, datagrams: [], read: DESTINATIONS.length + 1 });
});
