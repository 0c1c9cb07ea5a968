/** Objects that change under running pods: what `oc adm pod-network` asks for, and hosts that are no Nodes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { isReached } from '@tenet/lab';
import { ANNOTATION, apiVersionOf, type NetNamespaceObject } from '@tenet/model';
import { parseFlowDump } from '@tenet/openflow';
import { eventually, PATIENCE } from '../eventually.ts';
import { logSince } from './agent-log.ts';
import { type PrivateLab, privateLab } from './private-lab.ts';
import { assertBlocked, knowMac, PROTOCOLS, probe } from './probe-all.ts';
import {
  answeredFromMs,
  assertNothingLost,
  assertUnbroken,
  type Direction,
  type Flow,
  nowMs,
  type PingReport,
  type StreamReport,
  silentFromMs,
  startTraffic,
} from './traffic.ts';

let lab: PrivateLab;

before(async () => {
  lab = await privateLab();
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

/** How soon both switches follow an object. */
const FOLLOWS_MS = 2000;

/** From the write of an annotation to the first packet, or to the first that is dropped. */
const SOON_MS = 1000 * PATIENCE;
/** Without an answer for so long a ping is taken to be cut. */
const SILENT_MS = 500;

const NODES = [
  { node: 'dt-infra1', peer: { ip: '10.122.70.73', subnet: '10.130.0.0/23' } },
  { node: 'dt-node2', peer: { ip: '10.122.70.72', subnet: '10.131.2.0/23' } },
];

/** From beta to alpha and back, on one node and across. */
const BETWEEN = [
  ['beta/db', 'alpha/web'],
  ['beta/db', 'alpha/client'],
  ['alpha/web', 'beta/client'],
  ['alpha/client', 'beta/db'],
] as const;

/** What is reached by whom whatever beta is. */
const ALWAYS = [
  ['alpha/web', 'alpha/client'],
  ['beta/db', 'beta/client'],
  ['beta/client', 'logging/logging-es-1'],
  ['logging/logging-es-1', 'alpha/client'],
] as const;

describe('a project of running pods', () => {
  test('reaches another once it has joined that', async () => {
    const { netid } = await answered('beta', 'join:alpha');
    assert.equal(netid, (await netNamespace('alpha')).netid);
    for (const [from, to] of [...BETWEEN, ...ALWAYS]) await assertReaches(from, to);
  });

  test('is dropped and counted again once it is isolated', async () => {
    const { netid } = await answered('beta', 'isolate');
    assert.notEqual(netid, (await netNamespace('alpha')).netid);
    for (const [from, to] of BETWEEN) await assertBlockedSoon(from, to);
    for (const [from, to] of ALWAYS) await assertReaches(from, to);
  });

  test('reaches all and is reached by all once it is global', async () => {
    assert.equal((await answered('beta', 'global')).netid, 0);
    for (const [from, to] of [...BETWEEN, ...ALWAYS]) await assertReaches(from, to);
  });

  test('that others have been joined to stays by itself when those are isolated', async () => {
    await answered('beta', 'join:alpha');
    await answered('beta', 'isolate');
    for (const [from, to] of BETWEEN) await assertBlockedSoon(from, to);
  });
});

describe('the change of a project under running traffic', () => {
  /** From beta to alpha and back, within the node and across: what a change of beta is about. */
  const CONCERNED = [
    ['beta/db', 'alpha/web'],
    ['alpha/web', 'beta/db'],
    ['beta/db', 'alpha/client'],
    ['alpha/client', 'beta/db'],
  ] as const;
  const OTHERS = [
    ['alpha/web', 'alpha/client'],
    ['logging/logging-es-1', 'alpha/web'],
    ['alpha/client', 'logging/logging-es-1'],
  ] as const;

  test('moves who reaches whom within a second, by one bundle a node, and costs nobody else a packet', async () => {
    await using stack = new AsyncDisposableStack();
    const traffic = stack.use(await startTraffic());
    const others = await Promise.all(
      OTHERS.map(async ([from, to]) => {
        const [source, target] = await Promise.all([lab.pod(from), lab.pod(to)]);
        const [ping, stream] = [await traffic.ping(source, target), await traffic.stream(source, target)];
        return { name: `${from} → ${to}`, ping, stream };
      }),
    );
    const pings = await Promise.all(
      CONCERNED.map(async ([from, to]) => {
        const [source, target] = await Promise.all([lab.pod(from), lab.pod(to)]);
        // Else what is sent waits for an ARP answer, and not for the switch.
        stack.use(knowMac(source, target));
        return { name: `${from} → ${to}`, ping: await traffic.pingInVain(source, target) };
      }),
    );

    await changes('join:alpha', (ms) => answeredSoon(pings, ms));
    const [db, web, client] = await Promise.all([lab.pod('beta/db'), lab.pod('alpha/web'), lab.pod('alpha/client')]);
    const streams = [await traffic.stream(db, web), await traffic.stream(client, db)];
    await changes('isolate', async (ms) => {
      await silentSoon(pings, ms);
      for (const stream of streams) await stalledSoon(stream, ms);
    });
    await changes('global', (ms) => answeredSoon(pings, ms));
    // The connections that were cut go on, with every number.
    for (const stream of streams) await goesOn(stream);
    await changes('isolate', (ms) => silentSoon(pings, ms));
    await changes('join:alpha', async (ms) => {
      await answeredSoon(pings, ms);
      for (const stream of streams) await goesOn(stream);
    });
    for (const stream of streams) assertUnbroken(await stream.stop(), { name: 'cut twice', atLeast: 50 });
    await changes('isolate', (ms) => silentSoon(pings, ms));

    for (const { name, ping, stream } of others) {
      assertNothingLost(await ping.stop(), { name, atLeast: 100 });
      assertUnbroken(await stream.stop(), { name, atLeast: 100 });
    }
  });

  /** Asks for a change of beta and waits for what follows from it; each node sends exactly one bundle. */
  async function changes(request: string, follows: (askedMs: number) => Promise<void>): Promise<void> {
    const logs = NODES.map(({ node }) => logSince(lab, `${node}/agent`));
    const askedMs = nowMs();
    console.log(`#   beta ${request}`);
    const [{ netid }] = await Promise.all([answered('beta', request), follows(askedMs)]);
    // The pods' flows have the number everywhere before the bundles are counted.
    for (const { says } of logs) await says('flows reconciled');
    const bundles = logs.map(({ lines }) => lines().filter(({ message }) => message === 'flows reconciled').length);
    assert.deepEqual(bundles, [1, 1], `${request} of beta, which has got ${netid}`);
  }

  interface Named {
    readonly name: string;
    readonly ping: Flow<PingReport>;
  }

  async function answeredSoon(pings: readonly Named[], askedMs: number): Promise<void> {
    for (const { name, ping } of pings) {
      const firstMs = await eventually(async () => answeredFromMs(await ping.report(), askedMs), {
        what: `an answer ${name}`,
      });
      console.log(`#     ${name} is answered ${(firstMs - askedMs).toFixed(0)} ms after the write`);
      assert.ok(firstMs - askedMs < SOON_MS, `${name} after ${(firstMs - askedMs).toFixed(0)} ms`);
    }
  }

  async function silentSoon(pings: readonly Named[], askedMs: number): Promise<void> {
    const silentMs = await Promise.all(
      pings.map(async ({ name, ping }) => {
        const sinceMs = await eventually(
          async () => {
            const report = await ping.report();
            const fromMs = silentFromMs(report);
            return fromMs !== undefined && (report.sentMs.at(-1) ?? 0) - fromMs > SILENT_MS ? fromMs : undefined;
          },
          { what: `no answer ${name}` },
        );
        console.log(`#     ${name} is silent ${(sinceMs - askedMs).toFixed(0)} ms after the write`);
        assert.ok(sinceMs - askedMs < SOON_MS, `${name} after ${(sinceMs - askedMs).toFixed(0)} ms`);
        return sinceMs;
      }),
    );
    for (const [at, { name, ping }] of pings.entries())
      assert.equal(silentFromMs(await ping.report()), silentMs[at], `${name} was answered once more`);
  }

  /** Not a byte arrives any more, at either end. */
  async function stalledSoon(stream: Flow<StreamReport>, askedMs: number): Promise<void> {
    const { forth, back, broken } = await stream.report();
    assert.equal(broken, null);
    for (const { arrivedMs } of [forth, back]) {
      const lastMs = arrivedMs.at(-1) ?? 0;
      assert.ok(lastMs - askedMs < SOON_MS, `a number arrived ${(lastMs - askedMs).toFixed(0)} ms after the write`);
      assert.ok(nowMs() - lastMs > SILENT_MS / 2, 'numbers go on arriving');
    }
  }

  /** Both ends hear the other again: TCP's retransmissions have doubled their pauses meanwhile (RFC 6298 §5.5). */
  async function goesOn(stream: Flow<StreamReport>): Promise<void> {
    const before = await stream.report();
    await eventually(
      async () => {
        const { forth, back, broken } = await stream.report();
        assert.equal(broken, null);
        const isMore = (now: Direction, then: Direction) => now.arrivedMs.length > then.arrivedMs.length + 20;
        return isMore(forth, before.forth) && isMore(back, before.back) ? true : undefined;
      },
      { what: 'the connection goes on' },
    );
  }
});

const FOREIGN = { ip: '10.122.70.90', subnet: '10.129.0.0/23' };
const PEER_TABLES = [10, 50, 90];

test('a HostSubnet of a host that is no Node is in the tables of both nodes within 2 s, and gone as soon', async () => {
  const before = await Promise.all(NODES.map(({ node }) => peerFlows(node)));
  // What is there for the other node, for the foreign host: the two are to be treated alike.
  const wanted = NODES.map(({ peer }, at) => {
    const own = before[at] ?? [];
    const alike = own
      .filter((flow) => flow.includes(peer.ip))
      .map((flow) => flow.replaceAll(peer.ip, FOREIGN.ip).replaceAll(peer.subnet, FOREIGN.subnet));
    assert.deepEqual(new Set(alike.map((flow) => /table=(\d+)/.exec(flow)?.[1])), new Set(['10', '50', '90']));
    return [...own, ...alike].sort();
  });
  await lab.kube.create('HostSubnet', {
    apiVersion: apiVersionOf('HostSubnet'),
    kind: 'HostSubnet',
    metadata: { name: 'f5' },
    host: 'f5',
    hostIP: FOREIGN.ip,
    subnet: FOREIGN.subnet,
  });
  await Promise.all(NODES.map(({ node }, at) => becomes(node, wanted[at])));
  await lab.kube.delete('HostSubnet', { name: 'f5' });
  await Promise.all(NODES.map(({ node }, at) => becomes(node, before[at])));
});

async function netNamespace(name: string): Promise<NetNamespaceObject> {
  const object = await lab.kube.get('NetNamespace', { name });
  assert.ok(object !== undefined, `no NetNamespace ${name}`);
  return object;
}

/** Asks as `oc adm pod-network` does; the NetNamespace once the controller has answered. */
async function answered(name: string, request: string): Promise<NetNamespaceObject> {
  await lab.kube.patch(
    'NetNamespace',
    { name },
    { metadata: { annotations: { [ANNOTATION.changeNetwork]: request } } },
  );
  return eventually(
    async () => {
      const object = await netNamespace(name);
      return object.metadata.annotations?.[ANNOTATION.changeNetwork] === undefined ? object : undefined;
    },
    { what: `${request} of ${name} answered` },
  );
}

async function assertReaches(from: string, to: string): Promise<void> {
  const [source, { ip }] = [await lab.pod(from), await lab.pod(to)];
  for (const protocol of PROTOCOLS)
    await eventually(async () => (isReached(await probe(protocol, source, ip)) ? true : undefined), {
      what: `${from} reaches ${to} by ${protocol}`,
    });
}

/** The switches may take a moment to follow; from then on nothing passes. */
async function assertBlockedSoon(from: string, to: string): Promise<void> {
  const [source, target] = [await lab.pod(from), await lab.pod(to)];
  using _known = knowMac(source, target);
  const deadlineMs = FOLLOWS_MS;
  await eventually(async () => (isReached(await probe('ICMP', source, target.ip)) ? undefined : true), {
    what: `${from} does not reach ${to}`,
    deadlineMs,
  });
  const send = () => Promise.all(PROTOCOLS.map((protocol) => probe(protocol, source, target.ip)));
  await assertBlocked(lab, { send, node: target.node, atLeast: PROTOCOLS.length });
}

/** The flows about other hosts, without what differs from host to host by design. */
async function peerFlows(node: string): Promise<string[]> {
  const socket = `unix:${lab.paths.node(node).ovs}/br0.mgmt`;
  const dumps = PEER_TABLES.map(async (table) => {
    const args = ['-O', 'OpenFlow14', '--no-stats', 'dump-flows', socket, `table=${table}`];
    return parseFlowDump((await promisify(execFile)('ovs-ofctl', args)).stdout).flows;
  });
  return (await Promise.all(dumps))
    .flat()
    .map(({ text }) => text.trim().replace(/^cookie=\w+, /, ''))
    .sort();
}

async function becomes(node: string, wanted: readonly string[] | undefined): Promise<void> {
  let seen: readonly string[] = [];
  await eventually(
    async () => {
      seen = await peerFlows(node);
      return JSON.stringify(seen) === JSON.stringify(wanted) ? true : undefined;
    },
    { what: `the flows of ${node}`, deadlineMs: FOLLOWS_MS },
  ).catch(() => assert.deepEqual(seen, wanted));
}
