/** A node whose switch hangs or is misplaced does not look ready to anybody who asks, however often they ask. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { askNodeStatus, type NodeStatus } from '@tenet/agent/status';
import { askDaemon } from './ask-daemon.ts';
import { holdTunnelNumber } from './hold-tunnel-number.ts';
import { parseMetrics } from './parse-metrics.ts';
import { addPod, deletePods, pings } from './pod-fixture.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

/** A silent switch is given up after 10 s; the rest is for a busy machine. */
const GIVEN_UP_MS = 15_000;

let node: PrivateNode;
let daemon: Daemon;

before(async () => {
  node = await privateNode();
  daemon = await node.start();
  await daemon.ready();
});
after(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

function status(): Promise<NodeStatus> {
  return askNodeStatus(join(node.ovs.directory, 'status.sock'));
}

/** The two gauges that say how the switch is. */
async function gauges(): Promise<{ readonly connected: number | undefined; readonly ready: number | undefined }> {
  const families = parseMetrics((await askDaemon(node, '/metrics')).body);
  return {
    connected: families.get('tenet_connected')?.series.get('tenet_connected{to="vswitchd"}'),
    ready: families.get('tenet_node_ready')?.series.get('tenet_node_ready'),
  };
}

/** The reason with which /healthz refuses. */
function untilUnwell(reason: RegExp, deadlineMs: number): Promise<string> {
  return until(
    async () => {
      const { status: code, body } = await askDaemon(node, '/healthz');
      return code === 503 && reason.test(body.trim()) ? body.trim() : undefined;
    },
    `/healthz refuses with ${reason}`,
    deadlineMs,
  );
}

async function untilAllWell(): Promise<void> {
  await until(
    async () => ((await askDaemon(node, '/healthz')).status === 200 ? true : undefined),
    'it is well',
    30_000,
  );
  const well = await until(async () => {
    const answer = await status();
    return answer.problems.length === 0 ? answer : undefined;
  }, 'nothing is wrong');
  assert.equal(well.state, 'ready');
  assert.deepEqual(await gauges(), { connected: 1, ready: 1 });
  assert.equal((await node.cni({ command: 'STATUS', pod: 'alpha/web' })).status, 0);
}

test('with a switch that works everybody says that the node is ready', () => untilAllWell());

describe('while ovs-vswitchd stands still', () => {
  test('it is given up within seconds, also while others ask and ask; and all is well when it goes on', async () => {
    const [web, client] = [await addPod(node), await addPod(node)];
    const pid = Number(readFileSync(join(node.ovs.directory, 'ovs-vswitchd.pid'), 'utf8'));
    const stopAsking = new AbortController();
    process.kill(pid, 'SIGSTOP');
    const startMs = performance.now();
    // Each keeps a question to the switch open all the time.
    const askers = Promise.all([asked(status, stopAsking.signal), asked(gauges, stopAsking.signal)]);
    try {
      await untilUnwell(/^ovs-vswitchd is not connected: nobody answers for br0 at /, GIVEN_UP_MS);
      console.log(`# given up ${Math.round(performance.now() - startMs)} ms after it stopped`);
      const { state, openvswitch, problems } = await status();
      assert.equal(state, 'degraded');
      assert.equal(openvswitch.vswitchd.connected, false);
      assert.ok(problems.some(({ code }) => code === 'VSWITCHD_NOT_CONNECTED'));
      assert.deepEqual(await gauges(), { connected: 0, ready: 0 });
      assert.equal((await node.cni({ command: 'STATUS', pod: 'alpha/web' })).status, 1);
      const lost = daemon.lines().find(({ message }) => message === 'switch connection lost');
      assert.match(String(lost?.reason), /did not answer the echo request within 5000 ms$/);
    } finally {
      stopAsking.abort();
      process.kill(pid, 'SIGCONT');
    }
    const answers = await askers;
    assert.ok(answers.every((count) => count > 1));
    await untilAllWell();
    assert.ok(await pings(client, web.ip));
    assert.equal(daemon.child.exitCode, null);
    await deletePods(node, web, client);
  });
});

describe('while another port holds the number of vxlan0', () => {
  test('nobody says that the node is ready, and what is wrong is named once; and all is well when it is gone', async () => {
    const pod = await addPod(node);
    await node.unchanged(async () => {
      {
        await using _held = await holdTunnelNumber(node.ovs);
        const misplaced = /^vxlan0 has OpenFlow port \d+ instead of 1, so nothing is forwarded$/;
        const reason = await untilUnwell(misplaced, 20_000);
        // Once a pass has failed for it too.
        const { state, problems } = await until(async () => {
          const answer = await status();
          return answer.problems.some(({ since }) => since !== null) ? answer : undefined;
        }, 'the status says since when');
        assert.equal(state, 'degraded');
        assert.deepEqual(
          problems.map(({ code, sentence }) => [code, sentence]),
          [['PORT_MISPLACED', reason]],
        );
        assert.deepEqual(await gauges(), { connected: 1, ready: 0 });
        const { json } = await node.cni({ command: 'STATUS', pod: 'alpha/web' });
        assert.equal(json.msg, `no pod can be attached, and 1 that are here may be cut off: ${reason}`);
        assert.deepEqual(await node.flows(), []);
      }
      await untilAllWell();
    });
    await deletePods(node, pod);
  });
});

/** Asks again and again until the signal aborts; how many answers there were. */
async function asked(question: () => Promise<unknown>, signal: AbortSignal): Promise<number> {
  let answers = 0;
  for (; !signal.aborted; answers++) await question();
  return answers;
}
