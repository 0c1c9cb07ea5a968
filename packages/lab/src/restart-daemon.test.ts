import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { ARTICLE_CLUSTER } from './cluster/article-cluster.ts';
import { startDaemon } from './process/daemon.ts';
import { endDaemon, startDaemonAgain } from './restart-daemon.ts';
import { claimLab, type Lab, tokenAssignment } from './state/lab-state.ts';
import { isAlive } from './state/live-process.ts';
import { recordedProcesses } from './status/what-runs.ts';

const SLEEPER = { name: 'sleeper', command: ['sleep', '60'], environment: { BED: 'soft' } } as const;
const { signal } = new AbortController();

let directory: string;
let lab: Lab;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tenet-again-'));
  lab = claimLab(join(directory, 'state'), {
    datapath: 'netdev',
    proxy: 'iptables',
    apiPort: 1,
    cluster: ARTICLE_CLUSTER,
  });
  await startDaemon(lab, SLEEPER);
});

after(async () => {
  await endDaemon(lab, 'sleeper', { signal });
  rmSync(directory, { recursive: true });
});

function running(): { readonly pid: number; readonly isAlive: boolean } {
  const found = recordedProcesses(lab).find(({ name }) => name === 'sleeper');
  assert.ok(found !== undefined);
  return found;
}

test('endDaemon() and startDaemonAgain() refuse a name that the lab never started', async () => {
  const isUnknown = (error: unknown) => isTenetError(error, 'UNKNOWN_DAEMON') && /it has sleeper/.test(error.message);
  await assert.rejects(endDaemon(lab, 'dreamer', { signal }), isUnknown);
  await assert.rejects(startDaemonAgain(lab, 'dreamer', signal), isUnknown);
});

test('startDaemonAgain() refuses one that runs', async () => {
  await assert.rejects(startDaemonAgain(lab, 'sleeper', signal), (error) => isTenetError(error, 'DAEMON_RUNS'));
});

for (const how of ['SIGTERM', 'SIGKILL'] as const) {
  test(`startDaemonAgain() gives what ${how} has ended its command, environment and token again`, async () => {
    const { pid } = running();
    const ended = await endDaemon(lab, 'sleeper', { with: how, signal });
    assert.equal(ended.pid, pid);
    assert.equal(isAlive(ended), false);
    assert.equal(running().isAlive, false);
    await startDaemonAgain(lab, 'sleeper', signal);
    const again = running();
    assert.equal(again.isAlive, true);
    assert.notEqual(again.pid, pid);
    assert.equal(readFileSync(`/proc/${again.pid}/cmdline`, 'utf8'), 'sleep\x0060\0');
    const environment = readFileSync(`/proc/${again.pid}/environ`, 'utf8').split('\0');
    assert.ok(environment.includes('BED=soft'));
    assert.ok(environment.includes(tokenAssignment(lab.settings)));
  });
}

test('endDaemon() leaves one that has ended in peace', async () => {
  const first = await endDaemon(lab, 'sleeper', { signal });
  assert.deepEqual(await endDaemon(lab, 'sleeper', { signal }), first);
  await startDaemonAgain(lab, 'sleeper', signal);
});
