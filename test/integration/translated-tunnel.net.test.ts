/** A service whose endpoint is the node's own tunnel: who asks for it by a node port must not be heard as a peer. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, before, test } from 'node:test';
import { bindUdp, iptablesRestore, iptablesSave, ProbeSocket } from '@tenet/host';
import { formatRule, parseIptablesSave } from '@tenet/netfilter';
import { hostGuards } from '@tenet/pipeline';
import { Ip } from '@tenet/std';
import { NODE, rulesOf } from './host-rules-fixture.ts';
import { nodeAndPod } from './node-and-pod.ts';
import { until } from './private-node.ts';

const HERE = Ip.parse('192.0.2.1');
const PEER = Ip.parse('192.0.2.2');
const NODE_PORT = 30_789;
const GUARD = '-p udp -m udp --dport 4789 -m conntrack --ctstate DNAT -j DROP';

// `veth5` and `eth0` stand for the links of two nodes.
const { node, pod: peer, ...fixture } = nodeAndPod('tunnels');
const stack = new DisposableStack();
const heard: string[] = [];
const signal = AbortSignal.timeout(30_000);

before(async () => {
  node.netlink.addAddress({ link: 'veth5', address: HERE, prefixLength: 24 });
  peer.netlink.addAddress({ link: 'eth0', address: PEER, prefixLength: 24 });
  using rules = rulesOf(node.path);
  await rules.reconcile(signal);
  const published = `-A PREROUTING -p udp --dport ${NODE_PORT} -j DNAT --to-destination ${HERE}:${NODE.vxlanPort}`;
  await iptablesRestore(`*nat\n${published}\nCOMMIT\n`, { namespace: node.path, noflush: true });
  const tunnel = createSocket('udp4', (bytes) => heard.push(bytes.toString()));
  stack.defer(() => void tunnel.close());
  tunnel.bind({ fd: bindUdp({ namespace: node.path, address: HERE, port: NODE.vxlanPort }) });
});

after(() => {
  stack.dispose();
  fixture[Symbol.dispose]();
});

function send(port: number, what: string): void {
  const socket = ProbeSocket.open({ namespace: peer.path, protocol: 'udp', to: HERE, port });
  if (!(socket instanceof ProbeSocket)) assert.fail(socket.errno);
  stack.use(socket);
  socket.send(new TextEncoder().encode(what));
}

/** How many packets the guard has dropped. */
async function dropped(): Promise<bigint> {
  const { tables } = parseIptablesSave(await iptablesSave({ namespace: node.path, counters: true }));
  const { rules = [] } = tables.get('filter')?.chains.get('TENET-INPUT') ?? {};
  const found = rules.find((rule) => formatRule(rule) === GUARD);
  assert.ok(found?.counters !== undefined, 'the guard is installed');
  return found.counters.packets;
}

test('what a peer sends to the tunnel itself arrives', async () => {
  send(NODE.vxlanPort, 'tunnelled');
  assert.equal(await until(() => heard.shift(), 'a datagram'), 'tunnelled');
});

test('what a peer sends to a node port that leads to the tunnel is dropped and counted', async () => {
  send(NODE_PORT, 'injected');
  await until(async () => ((await dropped()) > 0n ? true : undefined), 'the guard has dropped it');
  assert.deepEqual(heard, []);
  assert.ok(hostGuards(NODE).some(({ guard, rule }) => guard === 'translated-tunnel' && formatRule(rule) === GUARD));
});

test('the same arrives without the guard', async () => {
  await iptablesRestore(`*filter\n-D TENET-INPUT ${GUARD}\nCOMMIT\n`, { namespace: node.path, noflush: true });
  send(NODE_PORT, 'injected');
  assert.equal(await until(() => heard.shift(), 'a datagram'), 'injected');
});
