/** Services that sleep on a real node: real rules and flows, the daemon's own portals, and who may wake what. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { bindUdp, listenTcp, ProbeSocket } from '@tenet/host';
import { Ip } from '@tenet/std';
import { addPod, type WiredByPlugin } from './pod-fixture.ts';
import { type Daemon, NODE, type PrivateNode, privateNode, until } from './private-node.ts';
import { connectionFate, connectionOutcome, tcpClient, textOf } from './tcp-client.ts';

const GATEWAY = Ip.parse('10.131.2.1');
const IDLED_AT = 'idling.alpha.openshift.io/idled-at';
const ENDPOINT_PORT = 8080;

/** Services of alpha, all asleep at first. */
const SLEEPY = { name: 'sleepy', ip: Ip.parse('172.30.0.20') };
const QUIET = { name: 'quiet', ip: Ip.parse('172.30.0.21') };
const TRICKY = { name: 'tricky', ip: Ip.parse('172.30.0.22') };
const BUSY = { name: 'busy', ip: Ip.parse('172.30.0.24') };
const AGAIN = { name: 'again', ip: Ip.parse('172.30.0.23') };

for (const mode of ['iptables', 'nftables'] as const)
  describe(`services that sleep, by ${mode}`, { timeout: 300_000 }, () => {
    let node: PrivateNode;
    let daemon: Daemon;
    let client: WiredByPlugin;
    let web: WiredByPlugin;
    let intruder: WiredByPlugin;
    const stack = new DisposableStack();

    before(async () => {
      node = await privateNode({ proxy: { mode } });
      await node.kube.create('NetNamespace', { metadata: { name: 'beta' }, netname: 'beta', netid: 0x777 });
      for (const name of ['alpha', 'beta']) await node.kube.create('Namespace', { metadata: { name } });
      for (const service of [SLEEPY, QUIET, TRICKY, AGAIN]) await createAsleep(service);
      daemon = await node.start();
      await daemon.ready();
      [client, web, intruder] = await Promise.all([
        addPod(node, { pod: 'alpha/client' }),
        addPod(node, { pod: 'alpha/web' }),
        addPod(node, { pod: 'beta/intruder' }),
      ]);
      await createPod('alpha', 'web', web);
      await createPod('beta', 'intruder', intruder);
    });

    after(async () => {
      stack.dispose();
      await daemon?.[Symbol.asyncDispose]();
      await node?.[Symbol.asyncDispose]();
    });

    test('a connection is held, an Event tells of it, and the first endpoint answers what was said meanwhile', async () => {
      const held = await connected(client, SLEEPY.ip);
      held.end('first');
      const event = await until(async () => (await needPods(SLEEPY))[0], 'an Event');
      assert.equal(event.message, 'The service-port sleepy:http needs pods.');
      assert.deepEqual(
        [event.type, event.source?.component, event.involvedObject.kind, event.count],
        ['Normal', 'kube-proxy', 'Service', 1],
      );
      const service = await node.kube.get('Service', { namespace: 'alpha', name: SLEEPY.name });
      assert.equal(event.involvedObject.uid, service?.metadata.uid);
      serve(web);
      await createSlice(SLEEPY, web.ip);
      assert.equal(await textOf(held), `${GATEWAY} said first`);

      // From now on connections go by the rules, and the pod sees who asks.
      await node.kube.patch('Service', { namespace: 'alpha', name: SLEEPY.name }, unmarked);
      await until(async () => {
        const next = await connected(client, SLEEPY.ip);
        next.end('next');
        return (await textOf(next)) === `${client.ip} said next` ? true : undefined;
      }, 'connections go by the rules');
      assert.equal((await needPods(SLEEPY)).length, 1);
    });

    test('a pod of another project neither reaches nor wakes it, by its cluster IP or at the portal itself', async () => {
      const portals = await portalsOf();
      assert.deepEqual([portals.tcp.length, portals.udp.length], [4, 4]);
      // No rule leads any more to the portal of what has woken, which is open for a while: it takes nobody either.
      const refusals = ['ECONNRESET', 'timeout', 'timeout', 'timeout'];
      const fates = (from: WiredByPlugin) =>
        Promise.all(portals.tcp.map((port) => connectionFate(dial(from, GATEWAY, port), 2000)));
      const byClusterIp = connectionFate(dial(intruder, QUIET.ip, 80), 2000);
      send(intruder, QUIET.ip, 53);
      for (const port of portals.udp) send(intruder, GATEWAY, port);
      assert.deepEqual((await fates(intruder)).sort(), refusals);
      assert.equal(await byClusterIp, 'timeout');
      assert.deepEqual(await needPods(QUIET), []);

      // Pods of its own project wake it, a datagram is enough, but not at the portal itself.
      for (const port of portals.udp) send(client, GATEWAY, port);
      assert.deepEqual((await fates(client)).sort(), refusals);
      assert.deepEqual(await needPods(QUIET), []);
      send(client, QUIET.ip, 53);
      const [event] = await until(async () => {
        const events = await needPods(QUIET);
        return events.length > 0 ? events : undefined;
      }, 'an Event');
      assert.equal(event?.message, 'The service-port quiet:dns needs pods.');
    });

    test('of clients that come all the time none is lost while it wakes, and a datagram soon arrives', async () => {
      await createAsleep(BUSY);
      await connected(client, BUSY.ip);
      const answers: Promise<string>[] = [];
      const come = () => {
        const socket = dial(client, BUSY.ip, 80);
        socket.end(`client ${answers.length}`);
        answers.push(textOf(socket).catch((error) => String(error)));
      };
      const echo = createSocket('udp4', (bytes, { address, port }) => echo.send(bytes, port, address));
      echo.bind({ fd: bindUdp({ namespace: web.netns, address: web.ip, port: 5353 }) });
      stack.defer(() => void echo.close());
      const asker = send(client, BUSY.ip, 53);
      for (let tick = 0; tick < 30; tick++) {
        // Who wakes it takes the mark away first; its pod is there later.
        if (tick === 4) await node.kube.patch('Service', { namespace: 'alpha', name: BUSY.name }, unmarked);
        if (tick === 10) await createSlice(BUSY, web.ip);
        come();
        asker.send(new TextEncoder().encode('hello'));
        await pause(100);
      }
      // The same client, of whom conntrack knew that he was led to the portal.
      assert.equal(asker.receive().kind, 'bytes');
      const said = await Promise.all(answers);
      const sources = said.map((answer, at) => answer.replace(` said client ${at}`, ''));
      const joined = sources.filter((source) => source === GATEWAY.toString()).length;
      assert.deepEqual(
        sources,
        sources.map((_, at) => (at < joined ? GATEWAY : client.ip).toString()),
      );
      assert.ok(joined >= 10 && joined < 25, `${joined} of ${sources.length} were held`);
      console.log(`# ${joined} of ${sources.length} clients were held, none was lost`);
    });

    test('a held client is not joined to a pod of another project, whoever wrote that endpoint', async () => {
      const reached: Socket[] = [];
      serve(intruder, (socket) => reached.push(socket));
      const held = await connected(client, TRICKY.ip);
      held.end('trusting');
      await createSlice(TRICKY, intruder.ip);
      const isRefused = () =>
        daemon.lines().some(({ message, ip }) => /is not used/.test(message) && ip === intruder.ip.toString());
      await until(() => (isRefused() ? true : undefined), 'the endpoint is refused');
      const endpoints = [intruder, web].map(({ ip }) => ({ addresses: [`${ip}`], nodeName: NODE }));
      await node.kube.patch('EndpointSlice', { namespace: 'alpha', name: 'tricky-1' }, { endpoints });
      assert.equal(await textOf(held), `${GATEWAY} said trusting`);
      assert.deepEqual(reached, []);
    });

    test('after a kill -9 of the daemon new connections are held again', async () => {
      const held = await connected(client, AGAIN.ip);
      const lost = new Promise((resolve) => held.once('end', resolve).once('error', resolve).resume());
      daemon.child.kill('SIGKILL');
      await daemon.ended;
      await lost;
      daemon = await node.start();
      await daemon.ready();
      const next = await connected(client, AGAIN.ip);
      next.end('second');
      await createSlice(AGAIN, web.ip);
      assert.equal(await textOf(next), `${GATEWAY} said second`);
    });

    const unmarked = { metadata: { annotations: { [IDLED_AT]: null } } };

    async function createAsleep({ name, ip }: typeof SLEEPY): Promise<void> {
      await node.kube.create('Service', {
        metadata: { namespace: 'alpha', name, annotations: { [IDLED_AT]: '2026-11-23T00:00:00Z' } },
        spec: {
          clusterIP: ip.toString(),
          clusterIPs: [ip.toString()],
          ports: [
            { name: 'http', protocol: 'TCP', port: 80, targetPort: ENDPOINT_PORT },
            { name: 'dns', protocol: 'UDP', port: 53, targetPort: 5353 },
          ],
        },
      });
    }

    /** What a kubelet says of a pod, which is what its address is known by. */
    async function createPod(namespace: string, name: string, { ip }: WiredByPlugin): Promise<void> {
      await node.kube.create('Pod', {
        metadata: { namespace, name },
        spec: { nodeName: NODE, containers: [{ name: 'c', image: 'none' }] },
      });
      const status = { phase: 'Running', podIP: ip.toString(), podIPs: [{ ip: ip.toString() }] };
      await node.kube.patch('Pod', { namespace, name, subresource: 'status' }, { status });
    }

    async function createSlice({ name }: typeof SLEEPY, ip: Ip): Promise<void> {
      await node.kube.create('EndpointSlice', {
        metadata: { namespace: 'alpha', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [ip.toString()], conditions: { ready: true }, nodeName: NODE }],
        ports: [
          { name: 'http', protocol: 'TCP', port: ENDPOINT_PORT },
          { name: 'dns', protocol: 'UDP', port: 5353 },
        ],
      });
    }

    async function needPods({ name }: typeof SLEEPY) {
      const fieldSelector = `involvedObject.name=${name},reason=NeedPods`;
      return (await node.kube.list('Event', { namespace: 'alpha', fieldSelector })).items;
    }

    /** Ports at the gateway on which somebody listens. */
    async function portalsOf() {
      const listening = (table: 'tcp' | 'udp', state: string) =>
        execFileSync('nsenter', [`--net=/run/netns/${node.ovs.netns}`, 'cat', `/proc/net/${table}`], {
          encoding: 'utf8',
        })
          .split('\n')
          .map((line) => line.trim().split(/\s+/))
          .filter(([, local, , is]) => local?.startsWith('0102830A:') && is === state)
          .map(([, local = '']) => Number.parseInt(local.slice(-4), 16));
      return { tcp: listening('tcp', '0A'), udp: listening('udp', '07') };
    }

    /** Answers on the pod's port with who asked for what. */
    function serve({ netns, ip }: WiredByPlugin, onConnection: (socket: Socket) => unknown = () => {}): void {
      const server = createServer({ allowHalfOpen: true }, async (socket) => {
        onConnection(socket);
        const from = socket.remoteAddress;
        socket.on('error', () => {});
        socket.end(`${from} said ${await textOf(socket)}`);
      });
      server.listen({ fd: listenTcp({ namespace: netns, address: ip, port: ENDPOINT_PORT }) });
      stack.defer(() => void server.close());
    }

    function dial({ netns }: WiredByPlugin, to: Ip, port: number): Socket {
      const socket = tcpClient(netns, to, port);
      stack.defer(() => void socket.destroy());
      return socket;
    }

    /** A connection to the service that stands, however soon its rules are there. */
    function connected(from: WiredByPlugin, to: Ip): Promise<Socket> {
      return until(async () => {
        const socket = dial(from, to, 80);
        if ((await connectionOutcome(socket, 2000)) === 'connected') return socket;
        socket.destroy();
        return undefined;
      }, `a connection to ${to}`);
    }

    function send({ netns }: WiredByPlugin, to: Ip, port: number): ProbeSocket {
      const socket = ProbeSocket.open({ namespace: netns, protocol: 'udp', to, port });
      if (!(socket instanceof ProbeSocket)) assert.fail(socket.errno);
      stack.use(socket);
      socket.send(new TextEncoder().encode('hello'));
      return socket;
    }
  });
