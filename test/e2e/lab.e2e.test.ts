/** The lab itself: what its commands say and return, and that nothing of it is left behind, whatever happened. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Netlink } from '@tenet/host';
import { openKubeClient } from '@tenet/kube';
import { findLab, probePing, probeTcp, probeUdp, targetsOf } from '@tenet/lab';
import { Ip } from '@tenet/std';
import { eventually } from '../eventually.ts';
import { remains } from './remains.ts';

const TENET = join(import.meta.dirname, '../../bin/tenet');
const DEADLINE_MS = 30_000;

const root = mkdtempSync(join(tmpdir(), 'tenet-e2e-'));
const [first, second, third] = ['a', 'b', 'c'].map((name) => join(root, name)) as [string, string, string];

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(TENET, ['lab', ...args], { stdio: 'pipe', env: { ...process.env, ...environment } });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const startMs = performance.now();
  assert.ok(child.stdout !== null && child.stderr !== null);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { status: child.exitCode, stdout, stderr, ms: performance.now() - startMs };
}

const lab = (...args: string[]) => ended(start(args));

function linksHere(): string[] {
  using netlink = Netlink.open();
  return netlink
    .links()
    .map(({ name }) => name)
    .sort();
}

function idOf(state: string): string {
  const found = findLab(state);
  assert.ok(found !== undefined, `there is no lab at ${state}`);
  return found.paths.id;
}

async function becomes(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(async () => ((await look()) ? true : undefined), { what, deadlineMs: DEADLINE_MS });
}

const linksBefore = linksHere();

after(async () => {
  for (const state of [first, second, third]) await lab('down', '--state', state);
  rmSync(root, { recursive: true, force: true });
});

describe('a lab that was brought up', () => {
  before(async () => {
    const up = await lab('up', '--detach', '--state', first);
    assert.equal(up.status, 0, up.stderr);
    assert.match(up.stdout, /^ {2}underlay.* ms\n/);
    assert.match(up.stdout, /lab is up after/);
    assert.ok(up.ms < DEADLINE_MS, `it took ${up.ms} ms`);
  });

  test('up says what runs already and what to do when there is one', async () => {
    const again = await lab('up', '--detach', '--state', first);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /lab is already up: dt-infra1 and dt-node2 with 8 pods, 9 processes run/);
    assert.match(again.stderr, /tenet lab down --state/);
  });

  test('status -o json has the form that scripts rely on', async () => {
    const { status, stdout } = await lab('status', '-o', 'json', '--state', first);
    assert.equal(status, 0);
    const { nodes, pods, services } = JSON.parse(stdout);
    assert.deepEqual(nodes, [
      { name: 'dt-infra1', ip: '10.122.70.72', subnet: '10.131.2.0/23' },
      { name: 'dt-node2', ip: '10.122.70.73', subnet: '10.130.0.0/23' },
    ]);
    const es = { namespace: 'logging', name: 'logging-es-1', node: 'dt-infra1', ip: '10.131.2.45', vnid: 0 };
    assert.deepEqual(
      pods.find((pod: { name: string }) => pod.name === 'logging-es-1'),
      es,
    );
    const seen = pods.map(
      (pod: { namespace: string; name: string; node: string }) => `${pod.namespace}/${pod.name} ${pod.node}`,
    );
    assert.deepEqual(seen.sort(), [
      'alpha/client dt-node2',
      'alpha/web dt-infra1',
      'alpha/web-2 dt-node2',
      'beta/client dt-node2',
      'beta/db dt-infra1',
      'beta/db-2 dt-node2',
      'default/router dt-infra1',
      'logging/logging-es-1 dt-infra1',
    ]);
    const vnids = new Map(pods.map((pod: { namespace: string; vnid: number }) => [pod.namespace, pod.vnid]));
    assert.deepEqual([vnids.get('default'), vnids.get('logging'), new Set(vnids.values()).size], [0, 0, 3]);
    const es9200 = { name: '', protocol: 'TCP', port: 9200, nodePort: null };
    const service = {
      type: 'ClusterIP',
      clusterIp: '172.30.229.30',
      externalIps: [],
      ports: [es9200],
      ready: 1,
      endpoints: 1,
    };
    assert.deepEqual(
      services.find(({ name }: { name: string }) => name === 'logging-es'),
      { namespace: 'logging', name: 'logging-es', ...service },
    );
    assert.deepEqual(
      services.map(
        (each: { namespace: string; name: string; ready: number }) => `${each.namespace}/${each.name} ${each.ready}`,
      ),
      ['alpha/web 2', 'beta/db 2', 'default/router 1', 'logging/logging-es 1'],
    );
  });

  for (const [target, status] of [
    ['node/dt-infra1', 7],
    ['pod/alpha/web', 7],
    ['outside', 7],
    ['node/nobody', 64],
    ['pod/alpha/nobody', 64],
    ['alpha/web', 64],
  ] as const) {
    test(`exec ${target} ends with ${status}`, async () => {
      const result = await lab('exec', target, '--state', first, '--', 'sh', '-c', 'exit 7');
      assert.equal(result.status, status);
      if (status === 64) assert.match(result.stderr, /there are node\/dt-infra1, node\/dt-node2, pod\/.*outside/);
    });
  }

  test('exec says that -- is missing when it takes an option of the program for its own', async () => {
    const { status, stderr } = await lab('exec', 'outside', '--state', first, 'ls', '-la');
    assert.equal(status, 64);
    assert.match(stderr, /^error: unknown option '-la'\n+put -- before the program: tenet lab exec .* -- ls -l\n$/);
  });

  test('exec ends with 128 and the number of the signal that ended the program', async () =>
    assert.equal((await lab('exec', 'outside', '--state', first, '--', 'sh', '-c', 'kill -TERM $$')).status, 143));

  test('exec runs in the namespace of the pod', async () => {
    const { stdout } = await lab('exec', 'pod/logging/logging-es-1', '--state', first, '--', 'ip', '-4', '-o', 'addr');
    assert.match(stdout, /eth0 +inet 10\.131\.2\.45\/23/);
  });

  test('the kubeconfig is right in the machine and in a node', async () => {
    const { stdout } = await lab('kubeconfig', '--state', first);
    const server = /server: (\S+)/.exec(stdout)?.[1];
    assert.ok(server !== undefined);
    assert.equal(await (await fetch(`${server}/readyz`)).text(), 'ok');
    const { hostname, port } = new URL(server);
    const request = `exec 3<>/dev/tcp/${hostname}/${port}; printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    const inside = await lab('exec', 'node/dt-node2', '--state', first, '--', 'bash', '-c', request);
    assert.match(inside.stdout, /ok$/);
  });

  test('a pod answers on every port, with as many bytes as it was asked with', async () => {
    const found = findLab(first);
    assert.ok(found !== undefined);
    const namespace = targetsOf(found).get('pod/alpha/client') ?? '';
    const to = Ip.parse('10.131.2.45');
    const pod = 'logging/logging-es-1';
    for (const port of [8080, 9200]) {
      const seen = await probeTcp({ namespace, to, port });
      assert.equal(
        seen.outcome === 'answered' ? `${seen.answer.pod} ${seen.answer.port}` : seen.outcome,
        `${pod} ${port}`,
      );
    }
    const large = await probeUdp({ namespace, to, size: 3000 });
    assert.equal(large.outcome === 'answered' ? large.answer.pod : large.outcome, pod);
    assert.equal((await probeTcp({ namespace, to, port: 9 })).outcome, 'refused');
    assert.equal((await probePing({ namespace, to, size: 1422, dontFragment: true })).outcome, 'reply');
    assert.equal((await probePing({ namespace, to, size: 1423, dontFragment: true })).outcome, 'too-big');
  });

  test('a pod comes with its object and goes with it', async () => {
    const found = findLab(first);
    assert.ok(found !== undefined);
    await using kube = await openKubeClient({ kubeconfig: found.paths.kubeconfig });
    const ref = { namespace: 'alpha', name: 'guest' };
    await kube.create('Pod', { metadata: ref, spec: { nodeName: 'dt-node2', containers: [{ name: 'c' }] } });
    await becomes('the pod runs', async () => (await kube.get('Pod', ref))?.status?.phase === 'Running');
    const namespace = targetsOf(found).get('pod/alpha/guest') ?? '';
    assert.ok(existsSync(namespace));
    await kube.delete('Pod', ref);
    await becomes('its namespace goes', () => !existsSync(namespace));
    await becomes('its name goes', () => !targetsOf(found).has('pod/alpha/guest'));
  });

  test('a pod that asks for time answers until it is over, as an endpoint that terminates', async () => {
    const found = findLab(first);
    assert.ok(found !== undefined);
    await using kube = await openKubeClient({ kubeconfig: found.paths.kubeconfig });
    const ref = { namespace: 'alpha', name: 'slow' };
    const spec = { nodeName: 'dt-node2', terminationGracePeriodSeconds: 3, containers: [{ name: 'c' }] };
    await kube.create('Service', { metadata: ref, spec: { selector: { app: 'slow' }, ports: [{ port: 8080 }] } });
    await kube.create('Pod', { metadata: { ...ref, labels: { app: 'slow' } }, spec });
    const endpoints = async () => {
      const { items } = await kube.list('EndpointSlice', { labelSelector: 'kubernetes.io/service-name=slow' });
      return items.flatMap((slice) => slice.endpoints ?? []);
    };
    await becomes('it is an endpoint', async () => (await endpoints())[0]?.conditions?.ready === true);
    const to = Ip.parse((await endpoints())[0]?.addresses[0] ?? '');
    await kube.delete('Pod', ref);
    await becomes('it terminates', async () => (await endpoints())[0]?.conditions?.terminating === true);
    assert.deepEqual((await endpoints())[0]?.conditions, { ready: false, serving: true, terminating: true });
    const namespace = targetsOf(found).get('pod/alpha/client') ?? '';
    const seen = await probeTcp({ namespace, to });
    assert.equal(seen.outcome === 'answered' ? seen.answer.pod : seen.outcome, 'alpha/slow');
    await becomes(
      'it is gone',
      async () => (await kube.get('Pod', ref)) === undefined && (await endpoints()).length === 0,
    );
    await becomes('its name goes', () => !targetsOf(found).has('pod/alpha/slow'));
    await kube.delete('Service', ref);
  });

  test('another lab runs at the same time, and is gone after a kill -9 of all of it', async () => {
    const up = await lab('up', '--detach', '--state', second);
    assert.equal(up.status, 0, up.stderr);
    const id = idOf(second);
    assert.equal((await lab('status', '--state', second)).status, 0);
    const record = readFileSync(join(second, 'made.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const { pid } of record.filter(({ kind }) => kind === 'process')) process.kill(pid, 'SIGKILL');
    const dead = await lab('status', '--state', second);
    assert.equal(dead.status, 1);
    assert.match(dead.stderr, /the process api-server \(\d+\) has ended/);
    assert.equal((await lab('down', '--state', second)).status, 0);
    assert.deepEqual(remains(second, id), []);
    assert.equal((await lab('status', '--state', first)).status, 0, 'the first lab is as it was');
  });

  test('nothing is in the namespace of the machine', () => assert.deepEqual(linksHere(), linksBefore));

  test('down leaves nothing, also of a program that somebody runs in it', async () => {
    const id = idOf(first);
    const guest = start(['exec', 'pod/beta/db', '--state', first, '--', 'sh', '-c', 'echo here; exec sleep 1000']);
    assert.ok(guest.stdout !== null);
    await once(guest.stdout, 'data');
    const exit = once(guest, 'exit');
    const down = await lab('down', '--state', first);
    assert.equal(down.status, 0, down.stderr);
    assert.deepEqual(await exit, [137, null]);
    assert.deepEqual(remains(first, id), []);
  });
});

test('down says so when there is nothing to take down', async () => {
  const { status, stdout } = await lab('down', '--state', third);
  assert.deepEqual([status, /there is no lab at/.test(stdout)], [0, true]);
});

test('status and exec say how to get a lab when there is none', async () => {
  for (const args of [['status'], ['exec', 'outside', '--', 'true'], ['kubeconfig']]) {
    const [verb = '', ...rest] = args;
    const { status, stderr } = await lab(verb, '--state', third, ...rest);
    assert.equal(status, 1);
    assert.match(stderr, /there is no lab at .*\n.*tenet lab up --detach/);
  }
});

test('up refuses a directory that holds something else, and leaves that alone', async () => {
  const taken = mkdtempSync(join(root, 'taken-'));
  writeFileSync(join(taken, 'letter'), 'dear');
  const { status, stderr } = await lab('up', '--detach', '--state', taken);
  assert.equal(status, 1);
  assert.match(stderr, /is no lab's directory and is not empty: it holds letter/);
  assert.deepEqual(readdirSync(taken), ['letter']);
});

test('up names the missing package and makes nothing when Open vSwitch is not installed', async () => {
  const empty = mkdtempSync(join(root, 'path-'));
  for (const name of ['uname', 'readlink', 'dirname', 'nsenter']) {
    writeFileSync(join(empty, name), `#!/bin/sh\nexec /usr/bin/${name} "$@"\n`, { mode: 0o755 });
  }
  const { status, stderr } = await ended(start(['up', '--detach', '--state', third], { PATH: empty }));
  assert.equal(status, 1);
  assert.match(stderr, /the program ovsdb-tool is not installed/);
  assert.match(stderr, /apt-get install openvswitch-common/);
  assert.equal(existsSync(third), false);
});

test('up takes everything down again when it is interrupted', async () => {
  const up = start(['up', '--state', third]);
  await becomes('something runs', () => existsSync(join(third, 'made.jsonl')) && findLab(third) !== undefined);
  const id = idOf(third);
  await becomes('a namespace is there', () => remains(third, id).length > 3);
  up.kill('SIGINT');
  assert.equal((await ended(up)).status, 130);
  assert.deepEqual(remains(third, id), []);
});

test('a lab in the foreground goes when it is asked to end', async () => {
  const up = start(['up', '--state', third]);
  assert.ok(up.stdout !== null);
  let said = '';
  for await (const chunk of up.stdout) {
    said += chunk;
    if (said.includes('press Ctrl-C')) break;
  }
  const id = idOf(third);
  up.kill('SIGTERM');
  const [status] = await once(up, 'exit');
  assert.equal(status, 0);
  assert.deepEqual(remains(third, id), []);
});
