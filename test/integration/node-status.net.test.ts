/** `tenet node status`: one screen that says how the node is, and an exit status that says whether something is wrong. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NodeStatus } from '@tenet/agent/status';
import { type Daemon, NODE, type PrivateNode, privateNode, until } from './private-node.ts';

const TENET = join(import.meta.dirname, '../../bin/tenet');

let node: PrivateNode;

before(async () => {
  node = await privateNode();
});
after(() => node[Symbol.asyncDispose]());

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `tenet node status` on the node to its end. */
async function status(...args: readonly string[]): Promise<Ended> {
  const child = spawn(TENET, ['node', 'status', '--config', join(node.ovs.directory, 'config.yaml'), ...args]);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}

async function statusJson(): Promise<NodeStatus> {
  const { out, err } = await status('-o', 'json');
  assert.notEqual(out, '', err);
  return JSON.parse(out);
}

/** Until the text says it; the answer of that moment. */
function untilSays(pattern: RegExp): Promise<Ended> {
  return until(
    async () => {
      const answer = await status();
      return pattern.test(answer.out) ? answer : undefined;
    },
    `the status says ${pattern}`,
    60_000,
  );
}

describe('tenet node status without a daemon', () => {
  test('says so in one line with the remedy, and exits 1', async () => {
    const { code, out, err } = await status();
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.match(
      err,
      /^tenet: the node's daemon is not running: nobody answers at .*status\.sock; start it with .*\n$/,
    );
  });

  test('exits 2 when it could not be told', async () => {
    const missing = await status('--config', '/nowhere/config.yaml');
    assert.deepEqual([missing.code, missing.out], [2, '']);
    assert.match(missing.err, /cannot read \/nowhere\/config\.yaml/);
    const socket = join(node.ovs.directory, 'status.sock');
    const deaf = createServer((connection) => void connection.end('what?\n')).listen(socket);
    await once(deaf, 'listening');
    const garbled = await status();
    deaf.close();
    assert.equal(garbled.code, 2);
    assert.match(garbled.err, /STATUS_UNREADABLE/);
  });

  const MISUSED = [['--output', 'xml'], ['extra'], ['--no-such-option']];
  for (const args of MISUSED) {
    test(`exits 64 for ${args.join(' ')}`, async () => assert.equal((await status(...args)).code, 64));
  }
});

describe('tenet node status while the daemon starts', () => {
  test('says what it waits for; and a daemon that is told to stop then has not failed', async () => {
    await node.ovs.stopOvsdb();
    await using daemon = await node.start();
    const { code, out } = await until(
      async () => {
        const answer = await status();
        return answer.out.includes('waits for Open vSwitch') ? answer : undefined;
      },
      'it waits for Open vSwitch',
      60_000,
    );
    assert.equal(code, 1);
    assert.match(out, /^node +n1: starting, tenet 0\.1\.0/);
    assert.match(out, /Open vSwitch is not connected at .*db\.sock\n {4}check that ovsdb-server and ovs-vswitchd/);
    daemon.child.kill('SIGTERM');
    assert.equal(await daemon.ended, 0);
    assert.doesNotMatch(daemon.text(), /^tenet: /m);
    await node.ovs.startOvsdb();
  });
});

describe('tenet node status', () => {
  let daemon: Daemon;

  before(async () => {
    daemon = await node.start();
    await daemon.ready();
  });
  after(() => daemon[Symbol.asyncDispose]());

  test('says that nothing is wrong, and exits 0', async () => {
    const { code, out } = await untilSays(/WRONG {2}nothing/);
    assert.equal(code, 0);
    assert.match(out, /^node +n1: ready/m);
    assert.match(out, /^Open vSwitch +3\.1\.0$/m);
    assert.match(out, /^connections +ovsdb-server connected, ovs-vswitchd connected$/m);
    assert.match(out, /^br0 +vxlan0 is port 1, tun0 is port 2, fragments nx-match$/m);
    assert.match(out, /^iptables +(nft|legacy)$/m);
    assert.match(out, /^leases +0 of 5$/m);
    assert.ok(out.split('\n').length <= 40, 'one screen');
  });

  test('gives scripts the same as JSON', async () => {
    const box = node.sandbox();
    assert.equal((await node.cni({ pod: 'alpha/web', ...box })).status, 0);
    const seen = await statusJson();
    assert.equal(seen.node, NODE);
    assert.equal(seen.state, 'ready');
    assert.equal(seen.subnet, '10.131.2.0/29');
    assert.deepEqual(seen.leases, { used: 1, capacity: 5 });
    assert.deepEqual(seen.pods, { wired: 1, withProblem: [] });
    for (const { kind, installed, desired } of seen.flows) assert.equal(installed, desired ?? installed, kind);
    assert.deepEqual(
      seen.flows.find(({ kind }) => kind === 'pod'),
      { kind: 'pod', installed: 6, desired: 6 },
    );
    assert.deepEqual(seen.problems, []);
    await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: box.containerId });
  });

  test('names a pod that has no flows, and a node that is left out', async () => {
    const box = node.sandbox();
    assert.equal((await node.cni({ pod: 'alpha/web', ...box })).status, 0);
    const alpha = await node.kube.get('NetNamespace', { name: 'alpha' });
    await node.kube.delete('NetNamespace', { name: 'alpha' });
    await node.kube.create('HostSubnet', {
      metadata: { name: 'n2' },
      host: 'n2',
      hostIP: '10.122.70.73',
      subnet: '10.131.2.0/29',
    });
    const { code, out } = await untilSays(/pod alpha\/web: project alpha has no VNID[\s\S]*node n2 is left out/);
    assert.equal(code, 1);
    assert.match(out, /^pods +1 wired, 1 with a problem$/m);
    assert.match(out, /^peers +0, 1 left out$/m);
    assert.match(out, /^ {4}correct or delete HostSubnet n2$/m);
    await node.kube.delete('HostSubnet', { name: 'n2' });
    await node.kube.create('NetNamespace', { metadata: { name: 'alpha' }, netname: 'alpha', netid: alpha?.netid ?? 0 });
    await untilSays(/WRONG {2}nothing/);
    await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: box.containerId });
  });

  test('says that ovs-vswitchd was killed, exits 1, and says that nothing is wrong when it is back', async () => {
    await node.ovs.stopVswitchd('SIGKILL');
    const { code, out } = await untilSays(/ovs-vswitchd is not connected/);
    assert.equal(code, 1);
    assert.match(out, /^node +n1: degraded/m);
    assert.match(out, /ovs-vswitchd NOT connected/);
    assert.match(out, /^ {4}check that ovs-vswitchd is running on this node/m);
    await node.ovs.startVswitchd();
    assert.equal((await untilSays(/WRONG {2}nothing/)).code, 0);
  });

  test('says that ovsdb-server was killed', async () => {
    await node.ovs.stopOvsdb('SIGKILL');
    const { code, out } = await untilSays(/ovsdb-server NOT connected/);
    assert.equal(code, 1);
    assert.match(out, /^ {2}Open vSwitch is not connected at .*db\.sock( \(since .*\))?$/m);
    await node.ovs.startOvsdb();
    assert.equal((await untilSays(/WRONG {2}nothing/)).code, 0);
  });

  test('answers while ovs-vswitchd hangs, and says that it does', async () => {
    const pid = Number(readFileSync(join(node.ovs.directory, 'ovs-vswitchd.pid'), 'utf8'));
    process.kill(pid, 'SIGSTOP');
    try {
      const { code, out } = await untilSays(/did not answer within 2000 ms/);
      assert.equal(code, 1);
      assert.match(out, /^static +- +\d+$/m);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    assert.equal((await untilSays(/WRONG {2}nothing/)).code, 0);
  });

  test('says that somebody has set another fragment mode', async () => {
    const child = spawn('ovs-ofctl', ['-OOpenFlow14', 'set-frags', node.ovs.mgmt('br0'), 'normal']);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    const seen = await statusJson();
    const problem = seen.problems.find(({ code }) => code === 'FRAGMENT_MODE_WRONG');
    // Unless the daemon has put it back already.
    if (problem === undefined) assert.equal(seen.openvswitch.fragmentMode, 'nx-match');
    else assert.match(problem.sentence, /as normal instead of nx-match/);
    await node.ovs.restartVswitchd();
    await untilSays(/WRONG {2}nothing/);
  });

  test('is served to its owner alone, and again after somebody has removed the socket', async () => {
    const socket = join(node.ovs.directory, 'status.sock');
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    rmSync(socket);
    await untilSays(/WRONG {2}nothing/);
  });

  test('is not served where metrics.listen is none, but for the status itself', async () => {
    await daemon[Symbol.asyncDispose]();
    const file = join(node.ovs.directory, 'config.yaml');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...config, metrics: { listen: 'none' } }));
    daemon = await node.start();
    await daemon.ready();
    assert.equal((await untilSays(/WRONG {2}nothing/)).code, 0);
    const sockets = await node.ovs.inNetns('ss', '-Hltn');
    assert.doesNotMatch(sockets, /:9101\b/);
  });
});
