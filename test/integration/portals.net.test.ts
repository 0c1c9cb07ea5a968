/** Portals behind the kernel's own translation: who is led there is held, who comes by himself is not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inNamespace, iptablesRestore, listConntrack, listenTcp, ProbeSocket, writeSysctl } from '@tenet/host';
import { Ip, Prefix } from '@tenet/std';
import { forgetDatagrams } from '../../packages/agent/src/unidling/forget-datagrams.ts';
import { gateway, nodeAndPod, podIp } from './node-and-pod.ts';
import { until } from './private-node.ts';
import { tcpClient, textOf } from './tcp-client.ts';

const SERVICE = Ip.parse('172.30.0.10');
/** Of somebody who made the portal its endpoint. */
const FOREIGN = Ip.parse('172.30.0.11');
const ENDPOINT_PORT = 8080;

const { node, pod, ...fixture } = nodeAndPod('portals');
const stack = new DisposableStack();
let ports = { tcp: 0, udp: 0 };
const lines: Record<string, unknown>[] = [];
/** From where the endpoint was reached. */
const sources: (string | undefined)[] = [];
const child = spawn(
  'nsenter',
  [
    `--net=${node.path}`,
    process.execPath,
    ...[
      fileURLToPath(new URL('./portal-process.ts', import.meta.url)),
      gateway.toString(),
      podIp.toString(),
      String(ENDPOINT_PORT),
    ],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const server = createServer((socket) => {
  sources.push(socket.remoteAddress);
  stack.defer(() => void socket.destroy());
  socket.pipe(socket);
});

before(async () => {
  child.stdout.setEncoding('utf8');
  let text = '';
  child.stdout.on('data', (chunk: string) => {
    const whole = (text + chunk).split('\n');
    text = whole.pop() ?? '';
    lines.push(...whole.map((line) => JSON.parse(line)));
  });
  server.listen({ fd: listenTcp({ namespace: pod.path, address: podIp, port: ENDPOINT_PORT }) });
  const services = Prefix.parse('172.30.0.0/16');
  pod.netlink.replaceRoute({ destination: services, gateway });
  node.netlink.replaceRoute({ destination: services, link: 'veth5' });
  inNamespace(node.path, () => writeSysctl('net.ipv4.ip_forward', '1'));
  const { tcp, udp } = await until(() => lines.shift(), 'the portals are open');
  ports = { tcp: Number(tcp), udp: Number(udp) };
  const lead = (chain: string, protocol: string, port: number) =>
    [SERVICE, FOREIGN]
      .map((to) => `-A ${chain} -d ${to} -p ${protocol} --dport 80 -j DNAT --to-destination ${gateway}:${port}\n`)
      .join('');
  const rules = ['PREROUTING', 'OUTPUT'].flatMap((chain) => [
    lead(chain, 'tcp', ports.tcp),
    lead(chain, 'udp', ports.udp),
  ]);
  await iptablesRestore(`*nat\n${rules.join('')}COMMIT\n`, { namespace: node.path, noflush: true });
});

after(async () => {
  child.kill();
  await once(child, 'exit');
  server.close();
  stack.dispose();
  fixture[Symbol.dispose]();
});

function dial(namespace: string, to: Ip, port: number): Socket {
  const socket = tcpClient(namespace, to, port);
  stack.defer(() => void socket.destroy());
  return socket;
}

function send(namespace: string, to: Ip, port: number): ProbeSocket {
  const socket = ProbeSocket.open({ namespace, protocol: 'udp', to, port });
  if (!(socket instanceof ProbeSocket)) assert.fail(socket.errno);
  stack.use(socket);
  socket.send(new TextEncoder().encode('hello'));
  return socket;
}

/** The next thing that the portals say. */
function heard(what: string) {
  return until(() => lines.shift(), what);
}

test('a client that connects to the portal itself is reset, and nobody is told', async () => {
  const socket = dial(pod.path, gateway, ports.tcp);
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
  assert.deepEqual(lines, []);
});

test('a client of another service, whose endpoint the portal was made, is reset, and nobody is told', async () => {
  const socket = dial(pod.path, FOREIGN, 80);
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNRESET');
  assert.deepEqual(lines, []);
});

test('its datagrams wake nobody', async () => {
  send(pod.path, FOREIGN, 80);
  assert.deepEqual(await heard('a datagram'), { isLed: false });
});

test('a datagram that is sent to the portal itself is known for one', async () => {
  send(pod.path, gateway, ports.udp);
  assert.deepEqual(await heard('a datagram'), { isLed: false });
});

const CLIENTS = [
  { who: 'a pod', from: pod.path, address: podIp.toString() },
  { who: 'the node', from: node.path, address: gateway.toString() },
];
for (const { who, from, address } of CLIENTS) {
  test(`a connection of ${who} to the service is held and joined to the endpoint`, async () => {
    const socket = dial(from, SERVICE, 80);
    socket.end('said while it waits');
    assert.equal(await textOf(socket), 'said while it waits');
    assert.deepEqual(await heard('a client'), { client: address });
    assert.deepEqual(await heard('it is joined'), { joined: true });
    assert.equal(sources.at(-1), gateway.toString());
  });

  test(`a datagram of ${who} to the service is one that the rules led there`, async () => {
    send(from, SERVICE, 80);
    assert.deepEqual(await heard('a datagram'), { isLed: true });
  });
}

test('forgetDatagrams() lets the next datagrams of a client go where the rules lead then, and no other connection', async () => {
  const [led, direct] = [send(pod.path, SERVICE, 80), send(pod.path, gateway, 5353)];
  assert.deepEqual(await heard('a datagram'), { isLed: true });
  await iptablesRestore('*nat\n-F PREROUTING\nCOMMIT\n', { namespace: node.path, noflush: true });
  led.send(new TextEncoder().encode('again'));
  assert.deepEqual(await heard('conntrack still leads it to the portal'), { isLed: true });
  const udp = () => listConntrack({ protocol: 17, originalSource: podIp }, node.path);
  const others = () => udp().filter(({ reply }) => reply.sourcePort !== ports.udp).length;
  const before = others();
  forgetDatagrams({ ip: gateway, port: ports.udp }, node.path);
  assert.equal(udp().length, others());
  assert.equal(others(), before);
  assert.ok(before > 0, 'that to the gateway was tracked');
  led.send(new TextEncoder().encode('and again'));
  direct.send(new TextEncoder().encode('and again'));
  await until(() => (udp().some(({ reply }) => reply.source.equals(SERVICE)) ? true : undefined), 'it goes elsewhere');
  assert.deepEqual(lines, []);
});
