/** Agents end and start again, pods come and go, all under running traffic: nobody else notices, and nothing is changed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { endDaemon, type Lab, openLab, startDaemonAgain, targetsOf } from '@tenet/lab';
import { eventually, PATIENCE } from '../eventually.ts';
import { logSince } from './agent-log.ts';
import { watchNode } from './node-changes.ts';
import { type PrivateLab, privateLab } from './private-lab.ts';
import {
  assertNothingLost,
  assertUnbroken,
  type Flow,
  type PingReport,
  type StreamReport,
  startTraffic,
} from './traffic.ts';

const NODES = ['dt-infra1', 'dt-node2'] as const;
const DEADLINE_MS = 30_000;
/** Turns; an emulated CPU takes many seconds for one. */
const COMING_AND_GOING = PATIENCE > 1 ? 2 : 8;

/** Within either node and from each to the other. */
const PATHS = [
  ['alpha/web', 'alpha/twin1'],
  ['alpha/client', 'alpha/twin2'],
  ['alpha/web', 'alpha/client'],
  ['alpha/twin2', 'alpha/twin1'],
] as const;

let lab: PrivateLab;
let daemons: Lab;

before(async () => {
  lab = await privateLab();
  daemons = openLab(lab.paths.state);
  await Promise.all(NODES.map((node, at) => runPod(`twin${at + 1}`, node)));
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

describe('the agents of both nodes', () => {
  const ENDS = [
    { how: 'SIGTERM', name: 'are told to stop and start again' },
    { how: 'SIGKILL', name: 'are killed and start again' },
  ] as const;
  for (const { how, name } of ENDS) {
    test(`${name}: no packet is lost, and no flow, row, route or rule is touched`, async () => {
      await using watched = await watchBoth();
      await using running = await runAlong(PATHS);
      const logs = NODES.map((node) => logSince(lab, `${node}/agent`));
      await together(NODES, (node, signal) => endDaemon(daemons, `${node}/agent`, { with: how, signal }));
      await together(NODES, (node, signal) => startDaemonAgain(daemons, `${node}/agent`, signal));
      await Promise.all(logs.map((log) => log.says('node is ready')));
      for (const { lines } of logs)
        assert.deepEqual(
          lines().filter(({ message }) => /reconciled|mended/.test(message)),
          [],
        );
      for (const changes of watched.nodes) assert.deepEqual(await changes.heard(), []);
      await running.nothingLost();
    });
  }

  test('are both down: pods go on talking, and a new pod waits for its agent and then runs', async () => {
    await together(NODES, (node, signal) => endDaemon(daemons, `${node}/agent`, { signal }));
    await using running = await runAlong(PATHS);
    await createPod('late', 'dt-node2');
    await eventually(async () => ((await podOf('late'))?.status?.message === undefined ? undefined : true), {
      what: 'the pod is told why it waits',
      deadlineMs: DEADLINE_MS,
    });
    await together(NODES, (node, signal) => startDaemonAgain(daemons, `${node}/agent`, signal));
    await runs('late');
    await running.nothingLost();
    await using traffic = await startTraffic();
    assertNothingLost(await (await traffic.ping(await lab.pod('alpha/web'), await lab.pod('alpha/late'))).stop(), {
      name: 'to the pod that waited',
      atLeast: 1,
    });
  });
});

test(`${COMING_AND_GOING} pods that come and go on either node cost the others no packet`, async () => {
  await using running = await runAlong(PATHS);
  for (let turn = 0; turn < COMING_AND_GOING; turn++) {
    const names = NODES.map((_, at) => `guest${turn}-${at}`);
    await Promise.all(NODES.map((node, at) => runPod(names[at] ?? '', node)));
    await Promise.all(names.map((name) => lab.kube.delete('Pod', { namespace: 'alpha', name })));
    await eventually(() => (names.some((name) => targetsOf(daemons).has(`pod/alpha/${name}`)) ? undefined : true), {
      what: `${names.join(' and ')} are gone`,
      deadlineMs: DEADLINE_MS,
    });
  }
  await running.nothingLost();
});

interface Running extends AsyncDisposable {
  /** Ends the traffic; every ping was answered and every stream is whole. */
  nothingLost(): Promise<void>;
}

/** A ping and a stream along each path. */
async function runAlong(paths: readonly (readonly [string, string])[]): Promise<Running> {
  await using undo = new AsyncDisposableStack();
  const traffic = undo.use(await startTraffic());
  const flows: { name: string; ping: Flow<PingReport>; stream: Flow<StreamReport> }[] = [];
  for (const [from, to] of paths) {
    const [source, target] = await Promise.all([lab.pod(from), lab.pod(to)]);
    const ping = await traffic.ping(source, target);
    flows.push({ name: `${from} → ${to}`, ping, stream: await traffic.stream(source, target) });
  }
  const owned = undo.move();
  return {
    async nothingLost() {
      const reports = await Promise.all(
        flows.map(async ({ name, ping, stream }) => ({ name, ping: await ping.stop(), stream: await stream.stop() })),
      );
      for (const { name, ping, stream } of reports) {
        assertNothingLost(ping, { name, atLeast: 50 });
        assertUnbroken(stream, { name, atLeast: 50 });
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function watchBoth() {
  await using undo = new AsyncDisposableStack();
  const nodes = await Promise.all(NODES.map(async (node) => undo.use(await watchNode(lab, node))));
  const owned = undo.move();
  return { nodes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function together<T>(nodes: readonly string[], run: (node: string, signal: AbortSignal) => Promise<T>): Promise<T[]> {
  const signal = AbortSignal.timeout(DEADLINE_MS * PATIENCE);
  return Promise.all(nodes.map((node) => run(node, signal)));
}

function podOf(name: string) {
  return lab.kube.get('Pod', { namespace: 'alpha', name });
}

async function createPod(name: string, nodeName: string): Promise<void> {
  const spec = { nodeName, containers: [{ name: 'answerer' }] };
  await lab.kube.create('Pod', { metadata: { namespace: 'alpha', name }, spec });
}

async function runs(name: string): Promise<void> {
  await eventually(async () => ((await podOf(name))?.status?.phase === 'Running' ? true : undefined), {
    what: `alpha/${name} runs`,
    deadlineMs: DEADLINE_MS,
  });
}

async function runPod(name: string, node: string): Promise<void> {
  await createPod(name, node);
  await runs(name);
}
