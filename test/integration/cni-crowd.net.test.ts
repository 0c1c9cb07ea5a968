/** Calls of the plugin that come at once, again, in the wrong order, or while Open vSwitch is away. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { deleteNamespace } from '@tenet/host';
import { addPod, deletePods, pings } from './pod-fixture.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const CALL_SECONDS = 10;

let node: PrivateNode;
let daemon: Daemon;

before(async () => {
  node = await privateNode({ subnet: '10.131.2.0/25', callSeconds: CALL_SECONDS });
  daemon = await node.start({ logLevel: 'debug' });
  await daemon.ready();
});
after(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

describe('many at once', () => {
  const CROWD = 50;
  /** Seen were 4 to 19, on a machine that was idle or overloaded; one call after the other would need one each. */
  const MOST_BUNDLES = 30;
  /** Seen were 8 to 49; one call after the other would be 1. */
  const LEAST_AT_WORK = 4;

  /** That the calls of which these lines tell were at work at the same time, and shared what they waited for. */
  function assertShared(lines: readonly LogLine[], phrase: string): void {
    const spans = lines.filter(({ message }) => message === phrase).map(workOf);
    assert.equal(spans.length, CROWD, phrase);
    const atWork = Math.max(...spans.map((span) => spans.filter((other) => isDuring(span.fromMs, other)).length));
    const bundles = lines.filter(({ message }) => message === 'flows reconciled').length;
    console.log(`# ${phrase}: ${atWork} at work at the same time, ${bundles} bundles`);
    assert.ok(atWork >= LEAST_AT_WORK, `${phrase}: ${atWork} at work at the same time`);
    assert.ok(bundles >= 1 && bundles <= MOST_BUNDLES, `${phrase}: ${bundles} bundles for ${CROWD} calls`);
  }

  test(`${CROWD} ADDs are wired at the same time, each with its own address, and as many DELs leave nothing`, async () => {
    await node.unchanged(async () => {
      const startMs = performance.now();
      const addingFrom = daemon.lines().length;
      const pods = await Promise.all(Array.from({ length: CROWD }, () => addPod(node)));
      const addedMs = performance.now();
      assert.equal(new Set(pods.map(({ ip }) => ip.toString())).size, CROWD);
      const [first, last] = [pods[0], pods.at(-1)];
      assert.ok(first && last && (await pings(first, last.ip)));
      const deletingMs = performance.now();
      const deletingFrom = daemon.lines().length;
      await deletePods(node, ...pods);
      const took = [addedMs - startMs, performance.now() - deletingMs].map(Math.round);
      console.log(`# ${CROWD} ADDs in ${took[0]} ms, ${CROWD} DELs in ${took[1]} ms, plugin processes included`);
      const lines = daemon.lines();
      assertShared(lines.slice(addingFrom, deletingFrom), 'time of an ADD');
      assertShared(lines.slice(deletingFrom), 'time of a DEL');
    });
  });

  test('ADDs and DELs mixed leave exactly those that were added and not deleted', async () => {
    await node.unchanged(async () => {
      const old = await Promise.all(Array.from({ length: 15 }, () => addPod(node)));
      const [young] = await Promise.all([
        Promise.all(Array.from({ length: 15 }, () => addPod(node))),
        deletePods(node, ...old),
      ]);
      const { leases, ports } = await node.footprint();
      assert.deepEqual(leases, young.map(({ ip }) => ip.toString()).sort());
      assert.deepEqual(ports.filter((port) => port.startsWith('veth')).sort(), young.map(({ veth }) => veth).sort());
      await deletePods(node, ...young);
    });
  });

  test('each call says in the debug log where its milliseconds went', async () => {
    await deletePods(node, await addPod(node));
    const [add, del] = ['time of an ADD', 'time of a DEL'].map((phrase) =>
      daemon.lines().findLast(({ message }) => message === phrase),
    );
    for (const part of ['lease', 'link', 'port', 'flows']) {
      assert.equal(typeof partsOf(add)[part], 'number', part);
      assert.equal(typeof partsOf(del)[part], 'number', part);
    }
  });
});

describe('calls for one attachment', () => {
  test('the same ADD twice at once gives the same result twice', async () => {
    await node.unchanged(async () => {
      const box = node.sandbox();
      const [one, two] = await Promise.all([addPod(node, { box }), addPod(node, { box })]);
      assert.deepEqual(one, two);
      await deletePods(node, one);
    });
  });

  test('ADD and DEL at once leave the whole pod or nothing of it, whichever came last', async () => {
    for (let round = 0; round < 6; round++) {
      await node.unchanged(async () => {
        const box = node.sandbox();
        const pod = await addPod(node, { box });
        const again = { pod: 'alpha/web', ...box };
        const both = [node.cni({ command: 'DEL', ...again }), node.cni(again)];
        const [, added] = await Promise.all(round % 2 === 0 ? both : both.toReversed());
        assert.ok(added !== undefined);
        const { leases, ports, flows } = await node.footprint();
        const isThere = [
          leases.length === 1,
          ports.includes(pod.veth),
          flows.some((flow) => flow.includes('reg0=0x5a2')),
        ];
        assert.equal(new Set(isThere).size, 1, `lease, port, flows: ${isThere}`);
        await deletePods(node, box);
      });
    }
  });

  test('DEL of what was never added succeeds and touches nothing', async () => {
    const other = await addPod(node);
    await node.unchanged(async () => {
      for (let times = 0; times < 3; times++) await deletePods(node, { containerId: `never-${times}` });
    });
    await deletePods(node, other);
  });

  test('DEL without a namespace, after the sandbox is gone and its veth with it, frees port, flows and address', async () => {
    await node.unchanged(async () => {
      const pod = await addPod(node);
      deleteNamespace(pod.netns);
      await until(() => (node.netlink.link(pod.veth) === undefined ? true : undefined), 'the veth is gone');
      for (let times = 0; times < 3; times++) await deletePods(node, pod);
    });
  });

  test('of two pods that ask for one address at once one gets it, and the other is told who has it', async () => {
    await node.unchanged(async () => {
      const ips = ['10.131.2.77'];
      const boxes = [node.sandbox(), node.sandbox()];
      const answers = await Promise.all(boxes.map((box) => node.cni({ pod: 'alpha/web', ...box, ips })));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [0, 1]);
      const refused = answers.find(({ status }) => status === 1)?.json;
      assert.equal(refused.code, 11);
      assert.match(refused.msg, /^the requested address 10\.131\.2\.77 is leased to [0-9a-f]{64}\/eth0$/);
      await deletePods(node, ...boxes);
    });
  });

  test('an address that was freed is the last to be given again, also when the daemon was killed', async () => {
    await node.unchanged(async () => {
      const first = await addPod(node);
      await deletePods(node, first);
      daemon.child.kill('SIGKILL');
      await daemon.ended;
      daemon = await node.start({ logLevel: 'debug' });
      await daemon.ready();
      const next = await Promise.all(Array.from({ length: 10 }, () => addPod(node)));
      assert.ok(!next.some(({ ip }) => ip.equals(first.ip)));
      await deletePods(node, ...next);
    });
  });
});

describe('without ovsdb-server', () => {
  test('an ADD waits, and fails after the deadline with one sentence and a remedy, leaving nothing', async () => {
    await node.unchanged(async () => {
      await node.ovs.stopOvsdb('SIGKILL');
      const startMs = performance.now();
      const { status, json } = await node.cni({ pod: 'alpha/web', ...node.sandbox() });
      const seconds = (performance.now() - startMs) / 1_000;
      assert.ok(seconds >= CALL_SECONDS, `it gave up after ${seconds} s`);
      assert.deepEqual([status, json.code], [1, 11]);
      assert.equal(json.msg, `ADD gave up after ${CALL_SECONDS * 1_000} ms while waiting for ovsdb-server`);
      assert.match(json.details, /^check that ovsdb-server and ovs-vswitchd run on this node/);
      await node.ovs.startOvsdb();
      await until(
        async () => (await node.cni({ command: 'STATUS', pod: 'alpha/web' })).status === 0 || undefined,
        'ready',
      );
    });
  });

  test('an ADD and a DEL wait, and succeed when it comes back in time', async () => {
    await node.unchanged(async () => {
      const [leaving, web, client] = [await addPod(node), await addPod(node), await addPod(node)];
      const from = daemon.lines().length;
      await node.ovs.stopOvsdb('SIGKILL');
      await until(() => (since(from, 'ovsdb connection failed').length > 0 ? true : undefined), 'it was noticed');
      const box = node.sandbox();
      const calls = Promise.all([addPod(node, { box }), deletePods(node, leaving)]);
      await until(() => (callsUnderWay() === 2 ? true : undefined), 'the daemon has both calls');
      await node.ovs.startOvsdb();
      const [added] = await calls;
      for (const phrase of ['time of an ADD', 'time of a DEL']) {
        const { ovsdb } = partsOf(since(from, phrase)[0]);
        // A call that finds the database there spends less than one.
        assert.ok(Number(ovsdb) > 10, `${phrase}: ${ovsdb} ms waiting for ovsdb-server`);
      }
      // ovs-vswitchd with the userspace datapath forwards nothing until it has found the database again.
      for (const pod of [web, added])
        await until(async () => ((await pings(client, pod.ip)) ? true : undefined), 'the pods talk');
      await deletePods(node, added, web, client);
    });
  });
});

/** What the daemon logged in these words from a line of its log on. */
function since(line: number, phrase: string): LogLine[] {
  return daemon
    .lines()
    .slice(line)
    .filter(({ message }) => message === phrase);
}

/** How many calls of the plugin are connected to the daemon, as seen from where they were made. */
function callsUnderWay(): number {
  const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n');
  const connected = ' 03 ';
  return sockets.filter((line) => line.includes(connected) && line.endsWith(`${node.ovs.directory}/cni.sock`)).length;
}

type LogLine = ReturnType<Daemon['lines']>[number];

/** When a call was at work, in milliseconds since the epoch. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** From the line that a call ends with. Its time in the queue is no work. */
function workOf(line: LogLine): Span {
  const toMs = Date.parse(String(line.time));
  const { queue: _waited, ...work } = partsOf(line);
  const workMs = Object.values(work).reduce<number>((sum, ms) => sum + Number(ms), 0);
  assert.ok(workMs > 0, JSON.stringify(line));
  return { fromMs: toMs - workMs, toMs };
}

function isDuring(ms: number, { fromMs, toMs }: Span): boolean {
  return fromMs <= ms && ms < toMs;
}

function partsOf(line: LogLine | undefined): Readonly<Record<string, unknown>> {
  return { ...(line?.parts ?? {}) };
}
