/** Open vSwitch's two daemons are killed and come back: how soon packets flow again, and that nothing passes before it may. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endDaemon, type Lab, openLab, startDaemonAgain, targetsOf } from '@tenet/lab';
import { flowKey } from '@tenet/openflow';
import { connectSwitch, type SwitchConnection } from '@tenet/openflow/connection';
import { eventually, PATIENCE } from '../eventually.ts';
import { logSince } from './agent-log.ts';
import { type LabPod, type PrivateLab, privateLab } from './private-lab.ts';
import { answeredFromMs, assertNothingLost, assertUnbroken, nowMs, type PingReport, startTraffic } from './traffic.ts';

const run = promisify(execFile);

const NODE = 'dt-infra1';
const PEER = '10.122.70.73';
const DEADLINE_MS = 30_000;
/** From the moment the switch listens until it forwards all that it should. */
const FULL_AGAIN_MS = 1000 * PATIENCE;

let lab: PrivateLab;
let daemons: Lab;

before(async () => {
  lab = await privateLab();
  daemons = openLab(lab.paths.state);
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

describe('ovs-vswitchd is killed and starts again', () => {
  for (const round of [1, 2, 3]) {
    test(`the fragment mode and then all flows are back within ${FULL_AGAIN_MS} ms, time ${round} of 3`, async () => {
      const signal = AbortSignal.timeout(DEADLINE_MS * PATIENCE);
      const before = { ports: await ofPorts(), flows: await flowKeys(signal) };
      const log = logSince(lab, `${NODE}/agent`);
      await using traffic = await startTraffic();
      const [web, own, peer] = await threePods();
      const within = await traffic.ping(web, own);
      const across = await traffic.ping(web, peer);
      const back = await traffic.ping(peer, web);
      const streams = [await traffic.stream(web, own), await traffic.stream(web, peer)] as const;

      const killedMs = nowMs();
      await endDaemon(daemons, `${NODE}/ovs-vswitchd`, { signal });
      const starting = startDaemonAgain(daemons, `${NODE}/ovs-vswitchd`, signal);
      const { acceptsMs, fullMs } = await refilled(before.flows, signal);
      await starting;

      const flowing = [
        { name: 'within the node', ping: within },
        { name: 'to the peer', ping: across },
        { name: 'from the peer', ping: back },
      ];
      for (const { name, ping } of flowing) {
        const firstMs = await eventually(async () => answeredFromMs(await ping.report(), acceptsMs), {
          what: `an answer ${name}`,
          deadlineMs: DEADLINE_MS,
        });
        console.log(`#   first packet ${name} ${(firstMs - acceptsMs).toFixed(0)} ms after the switch listens`);
      }
      console.log(
        `#   listens ${(acceptsMs - killedMs).toFixed(0)} ms after the kill, full ${(fullMs - acceptsMs).toFixed(0)} ms later`,
      );
      assert.ok(fullMs - acceptsMs < FULL_AGAIN_MS, `full after ${(fullMs - acceptsMs).toFixed(0)} ms`);
      assert.deepEqual(await ofPorts(), before.ports);
      // The kernel's datapath asks the kernel.
      if (lab.datapath === 'netdev')
        await eventually(async () => ((await tunnelNeighbours()).includes(PEER) ? true : undefined), {
          what: `the tunnel neighbour ${PEER}`,
        });
      assert.equal(log.lines().filter(({ message }) => message === 'flows reconciled').length, 1);
      for (const stream of streams) {
        assertUnbroken(await stream.stop(), { name: 'stream over the restart', atLeast: 10 });
      }
    });
  }
});

describe('ovsdb-server is killed and starts again', () => {
  test('a new pod waits for it and then runs, no connection breaks, and no packet is lost but by the userspace datapath', async () => {
    const signal = AbortSignal.timeout(DEADLINE_MS * PATIENCE);
    const kubelet = logSince(lab, 'kubelet');
    const before = await ofPorts();
    const flows = await flowKeys(signal);
    await using traffic = await startTraffic();
    const [web, own, peer] = await threePods();
    const streams = [await traffic.stream(web, own), await traffic.stream(web, peer)];
    const paths = [
      { name: 'within the node', ping: await traffic.ping(web, own) },
      { name: 'to the peer', ping: await traffic.ping(web, peer) },
      { name: 'from the peer', ping: await traffic.ping(peer, web) },
    ];

    const agent = logSince(lab, `${NODE}/agent`);
    const killedMs = nowMs();
    await endDaemon(daemons, `${NODE}/ovsdb-server`, { signal });
    const late = { namespace: 'alpha', name: 'late' };
    await lab.kube.create('Pod', { metadata: late, spec: { nodeName: NODE, containers: [{ name: 'answerer' }] } });
    await agent.says('ovsdb connection failed');
    await eventually(() => (targetsOf(daemons).has('pod/alpha/late') ? true : undefined), {
      what: 'the kubelet has made the namespace of alpha/late',
      deadlineMs: DEADLINE_MS,
    });
    assert.equal(kubelet.lines().filter(({ message }) => message === 'pod wired').length, 0);
    await startDaemonAgain(daemons, `${NODE}/ovsdb-server`, signal);
    const startedMs = nowMs();

    for (const { name, ping } of paths) {
      const firstMs = await eventually(async () => answeredFromMs(await ping.report(), startedMs), {
        what: `an answer ${name}`,
        deadlineMs: DEADLINE_MS,
      });
      console.log(`#   ${name} ${(firstMs - startedMs).toFixed(0)} ms after ovsdb-server has started again`);
    }
    const reports = await Promise.all(paths.map(async ({ name, ping }) => ({ name, report: await ping.stop() })));
    for (const { name, report } of reports) {
      const firstMs = answeredFromMs(report, startedMs) ?? Number.POSITIVE_INFINITY;
      assertNothingLost(outside(report, forwardsWithoutDatabase() ? undefined : [killedMs - SLACK_MS, firstMs]), {
        name,
        atLeast: 1,
      });
    }
    await eventually(async () => ((await lab.kube.get('Pod', late))?.status?.phase === 'Running' ? true : undefined), {
      what: 'alpha/late runs',
      deadlineMs: DEADLINE_MS,
    });
    assert.deepEqual(
      kubelet.lines().filter(({ message }) => message === 'pod not wired'),
      [],
    );
    for (const stream of streams) assertUnbroken(await stream.stop(), { name: 'stream', atLeast: 10 });
    const ports = await ofPorts();
    assert.deepEqual(
      ports.filter((port) => before.includes(port)),
      before,
    );
    const now = await flowKeys(signal);
    assert.deepEqual(
      [...flows].filter((key) => !now.has(key)),
      [],
    );
    const ping = await traffic.ping(web, await lab.pod('alpha/late'));
    assertNothingLost(await ping.stop(), { name: 'to the pod that waited', atLeast: 1 });
  });
});

/** What was on its way at the moment of a kill. */
const SLACK_MS = 100;

/**
 * Without its database ovs-vswitchd 3.1 runs nothing of its main loop but the search for it (`bridge_run`), so that
 * the userspace datapath reads no link, which that loop does. The kernel's datapath goes on.
 */
function forwardsWithoutDatabase(): boolean {
  return daemons.settings.datapath === 'system';
}

/** A report without the requests that were sent in a span of time; whole without one. */
function outside({ sentMs, answeredMs }: PingReport, span: readonly [number, number] | undefined): PingReport {
  const [fromMs, toMs] = span ?? [0, 0];
  const isOutside = (ms: number | undefined) => ms !== undefined && (ms < fromMs || ms >= toMs);
  return { sentMs: sentMs.filter(isOutside), answeredMs: answeredMs.filter((_, at) => isOutside(sentMs[at])) };
}

/** One that sends, one on its node, and one on the other node. */
function threePods(): Promise<[LabPod, LabPod, LabPod]> {
  return Promise.all([lab.pod('alpha/web'), lab.pod('logging/logging-es-1'), lab.pod('alpha/client')]);
}

/** Looks as fast as it can until the switch has all of these flows; never may it have one without the fragment mode. */
async function refilled(
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<{ readonly acceptsMs: number; readonly fullMs: number }> {
  await using connection = await eagerly(signal);
  const acceptsMs = nowMs();
  for (;;) {
    signal.throwIfAborted();
    const there = new Set((await connection.dumpFlows()).map(flowKey));
    const mode = await connection.fragmentMode();
    if (there.size > 0) assert.equal(mode, 'nx-match', `${there.size} flows without the fragment mode`);
    if (there.size === wanted.size && [...wanted].every((key) => there.has(key))) return { acceptsMs, fullMs: nowMs() };
    await setImmediate();
  }
}

/** A connection to br0 as soon as there is somebody who accepts it. */
async function eagerly(signal: AbortSignal): Promise<SwitchConnection> {
  for (;;) {
    try {
      return await connectSwitch({ path: mgmt(), signal });
    } catch {
      signal.throwIfAborted();
      await setImmediate();
    }
  }
}

function mgmt(): string {
  return join(lab.paths.node(NODE).ovs, 'br0.mgmt');
}

async function flowKeys(signal: AbortSignal): Promise<ReadonlySet<string>> {
  await using connection = await connectSwitch({ path: mgmt(), signal });
  return new Set((await connection.dumpFlows()).map(flowKey));
}

/** Every port as `name,ofport,ofport_request`. */
async function ofPorts(): Promise<string[]> {
  const database = `--db=unix:${lab.paths.node(NODE).databaseSocket}`;
  const columns = '--columns=name,ofport,ofport_request';
  const { stdout } = await run('ovs-vsctl', [database, '--format=csv', '--no-headings', columns, 'list', 'Interface']);
  return stdout.trim().split('\n').sort();
}

async function tunnelNeighbours(): Promise<string> {
  const { unixctl } = lab.paths.node(NODE);
  return (await run('ovs-appctl', [`--target=${unixctl}`, 'tnl/neigh/show'])).stdout;
}
