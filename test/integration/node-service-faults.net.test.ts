/** Services are forwarded again whatever failed: tools, locks, the daemon itself, and after a change of the back end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtempDisposable, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { askNodeStatus } from '@tenet/agent/status';
import { askDaemon } from './ask-daemon.ts';
import { type NodeWithServices, nodeWithServices } from './node-with-services.ts';
import { type Daemon, until } from './private-node.ts';

/** Sets variables of the environment, which daemons inherit, until the end of its block. */
function environment(variables: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}

async function started({ node }: NodeWithServices): Promise<Daemon> {
  const daemon = await node.start();
  await daemon.ready();
  return daemon;
}

const readyz = async ({ node }: NodeWithServices) => await askDaemon(node, '/readyz');

function untilReady(services: NodeWithServices): Promise<true> {
  return until(async () => ((await readyz(services)).status === 200 ? true : undefined), 'ready', 60_000);
}

const messagesOf = (daemon: Daemon, pattern: RegExp) => daemon.lines().filter(({ message }) => pattern.test(message));

/** A program in front of the one of the same name: it fails while a file of its name with `.fails` is there. */
async function inFrontOf(name: string, directory: string): Promise<string> {
  const fails = join(directory, `${name}.fails`);
  const slow = join(directory, `${name}.slow`);
  await writeFile(
    join(directory, name),
    `#!/bin/sh
if [ -e ${fails} ]; then echo "$0: out of order" >&2; exit 4; fi
PATH="\${PATH#*:}" ${name} "$@"
status=$?
if [ -e ${slow} ]; then sleep 0.3; fi
exit $status
`,
  );
  await chmod(join(directory, name), 0o755);
  return fails;
}

describe('services', () => {
  for (const [mode, tool] of [
    ['iptables', 'iptables-nft-restore'],
    ['nftables', 'nft'],
  ] as const)
    test(`are written again and again while ${tool} fails, less and less often, and /readyz says so`, async () => {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-tools-'));
      const fails = await inFrontOf(tool, directory.path);
      using _path = environment({ PATH: `${directory.path}:${process.env.PATH}` });
      await using services = await nodeWithServices({ mode });
      await services.add('first', '172.30.9.1', ['10.131.2.5']);
      await using daemon = await started(services);
      await untilReady(services);
      const whole = await services.rules();

      await writeFile(fails, '');
      await services.add('second', '172.30.9.2', ['10.131.2.6']);
      const unready = await until(async () => {
        const answer = await readyz(services);
        return answer.status === 503 ? answer.body : undefined;
      }, 'not ready');
      assert.match(unready, /^changes of services do not reach the kernel: .*out of order/);
      const failures = await until(async () => {
        const { body } = await askDaemon(services.node, '/metrics');
        const count = Number(/^tenet_proxy_sync_failures_total (\d+)/m.exec(body)?.[1]);
        return count >= 5 ? count : undefined;
      }, 'five failures');
      // Without growing pauses, which last half of 0.2, 0.4, 0.8, … s at least, there would be hundreds by now.
      assert.ok(failures < 30, `${failures} failures`);
      // To write fails, and to read what came of it may fail in other words.
      assert.ok(messagesOf(daemon, /^step failed$/).length <= 2, 'not said at every failure');
      const { problems, services: said } = await askNodeStatus(join(services.node.ovs.directory, 'status.sock'));
      assert.match(problems.map(({ sentence }) => sentence).join('\n'), /^services: .*out of order/m);
      assert.equal(said?.ready, false);
      await rm(fails);
      await services.untilThere('10.131.2.6');
      await untilReady(services);
      assert.equal(messagesOf(daemon, /^step works again$/).length, 1);
      await services.remove('second');
      await services.untilRules(whole);
    });

  test('wait for the lock of iptables-legacy that another program holds, and nothing else waits for it', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-lock-'));
    const lock = join(directory.path, 'xtables.lock');
    using _lock = environment({ XTABLES_LOCKFILE: lock });
    await using services = await nodeWithServices({ mode: 'iptables', variant: 'legacy' });
    await using daemon = await started(services);
    await untilReady(services);
    const holder = spawn('flock', [lock, 'sh', '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      await services.add('first', '172.30.9.1', ['10.131.2.5']);
      // The flows of the service come first, and are there while its rules wait.
      await until(
        async () => ((await services.node.flows()).some((flow) => flow.includes('172.30.9.1')) ? true : undefined),
        'its flows',
      );
      const startMs = performance.now();
      await until(() => (performance.now() - startMs > 2_000 ? true : undefined), 'two seconds');
      assert.doesNotMatch(await services.rules(), /10\.131\.2\.5/);
      assert.equal((await readyz(services)).status, 200, 'a delay is no failure');
    } finally {
      holder.stdin.end();
    }
    await services.untilThere('10.131.2.5');
    assert.deepEqual(messagesOf(daemon, /failed/), []);
  });

  test('that were half written when the daemon was killed are whole with the next one', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-tools-'));
    await inFrontOf('iptables-nft-restore', directory.path);
    const slow = join(directory.path, 'iptables-nft-restore.slow');
    using _path = environment({ PATH: `${directory.path}:${process.env.PATH}` });
    await using services = await nodeWithServices({ mode: 'iptables' });
    const many = 600;
    await Promise.all(
      Array.from({ length: many }, (_, at) =>
        services.add(`s${at}`, `172.30.${10 + (at >> 8)}.${at & 255}`, [`10.129.${at >> 8}.${at & 255}`]),
      ),
    );
    await writeFile(slow, '');
    const first = await services.node.start();
    const forwarded = async () =>
      (await services.rules()).split('\n').filter((line) => / -j KUBE-SVC-/.test(line)).length;
    const written = await until(async () => {
      const count = await forwarded();
      return count > 0 ? count : undefined;
    }, 'the first piece');
    first.child.kill('SIGKILL');
    await first.ended;
    assert.ok(written < many, `${written} were written before it was killed`);
    await rm(slow);
    {
      await using _second = await started(services);
      await until(async () => ((await forwarded()) === many ? true : undefined), 'all services', 60_000);
      await untilReady(services);
    }
    const before = await services.rules();
    await using third = await started(services);
    await untilReady(services);
    assert.deepEqual(messagesOf(third, /^services reconciled/), [], 'nothing was left to do');
    assert.equal(await services.rules(), before);
  });

  test('stay as they are while a daemon cannot reach the API server', async () => {
    await using services = await nodeWithServices({ mode: 'iptables' });
    await services.add('first', '172.30.9.1', ['10.131.2.5']);
    {
      await using _daemon = await started(services);
      await services.untilThere('10.131.2.5');
    }
    const before = await services.rules();
    // The API server is at an address of this link.
    await services.shell('ip link set lo down');
    await using daemon = await services.node.start();
    const startMs = performance.now();
    await until(() => (performance.now() - startMs > 2_000 ? true : undefined), 'two seconds');
    assert.equal(await services.rules(), before);
    await services.shell('ip link set lo up');
    await daemon.ready();
    await untilReady(services);
    assert.equal(await services.rules(), before);
  });

  test('go over to the other back end without a trace in the first, and back', async () => {
    await using services = await nodeWithServices({ mode: 'iptables' });
    await services.shell('iptables-nft -t nat -N KUBE-MARK-DROP; iptables-nft -t nat -A KUBE-MARK-DROP -j RETURN');
    await services.add('first', '172.30.9.1', ['10.131.2.5']);
    const seen: string[] = [];
    for (const mode of ['iptables', 'nftables', 'iptables'] as const) {
      services.choose(mode);
      await using _daemon = await started(services);
      await untilReady(services);
      await until(async () => {
        const rules = await services.rules();
        const [forwards, hasChains, hasTable] = [/-j KUBE-SVC-/, /^:KUBE-(?!MARK-DROP)/m, /table ip tenet/].map(
          (each) => each.test(rules),
        );
        // Chains are emptied before they go.
        if (mode === 'iptables' ? !forwards || hasTable : hasChains || !hasTable) return undefined;
        seen.push(rules);
        return true;
      }, `${mode} alone`);
    }
    const [first = '', second = ''] = seen;
    await services.untilRules(first);
    assert.deepEqual(
      second.split('\n').filter((line) => line.includes('KUBE-')),
      [':KUBE-MARK-DROP -', '-A KUBE-MARK-DROP -j RETURN'],
    );
  });

  test("are another kube-proxy's with proxy.mode none, which is the only way to start beside one", async () => {
    await using services = await nodeWithServices({ mode: 'iptables' });
    await services.add('first', '172.30.9.1', ['10.131.2.5']);
    await services.shell(
      'iptables-nft -t nat -N KUBE-SERVICES; iptables-nft -t nat -N KUBE-SVC-OTHER; iptables-nft -t nat -A KUBE-SERVICES -j KUBE-SVC-OTHER',
    );
    const answer = `require('http').createServer((_, response) => response.end('{"lastUpdated": "a", "currentTime": "b"}'))
      .listen(10256, '127.0.0.1', () => console.log('listening'))`;
    const other = spawn('nsenter', [`--net=/run/netns/${services.node.ovs.netns}`, process.execPath, '-e', answer], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(other.stdout, 'data');
      const refused = await services.node.start();
      assert.notEqual(await refused.ended, 0);
      assert.match(
        refused.text(),
        /another kube-proxy forwards services on this node: it answers at http:\/\/127\.0\.0\.1:10256/,
      );
      assert.match(refused.text(), /or choose proxy\.mode none/);
      services.choose('none');
      await using _daemon = await started(services);
      await untilReady(services);
      const lines = (await services.rules()).split('\n').filter((line) => line.includes('KUBE-'));
      assert.deepEqual(lines, [':KUBE-SERVICES -', ':KUBE-SVC-OTHER -', '-A KUBE-SERVICES -j KUBE-SVC-OTHER']);
      const status = await askNodeStatus(join(services.node.ovs.directory, 'status.sock'));
      assert.equal(status.services, null);
    } finally {
      other.kill();
    }
  });
});
