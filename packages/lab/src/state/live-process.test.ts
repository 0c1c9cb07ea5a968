import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isAlive, kill, liveProcess, parseStat } from './live-process.ts';

/** proc(5): 52 fields; the 22nd is the start time. */
const stat = (name: string, state: string, start: number) =>
  `77 (${name}) ${state} ${Array.from({ length: 18 }, (_, at) => at + 4).join(' ')} ${start} 0 0`;

for (const name of ['node', 'a b', 'odd) S 1 (name', '((']) {
  test(`parseStat() finds state and start time when the name is ${JSON.stringify(name)}`, () =>
    assert.deepEqual(parseStat(stat(name, 'S', 4711)), { state: 'S', startTicks: 4711 }));
}

test('isAlive() is false when the number belongs to a process that started later', () => {
  const self = liveProcess(process.pid);
  assert.ok(self !== undefined);
  assert.equal(isAlive({ ...self, startTicks: self.startTicks - 1 }), false);
  assert.equal(isAlive(self), true);
});

test('liveProcess() is undefined when there is no such process', () =>
  assert.equal(liveProcess(2 ** 22 + 1), undefined));

test('kill() ends exactly the process that is meant, by the signal that is asked for', async (t) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const live = liveProcess(child.pid ?? 0);
  assert.ok(live !== undefined);
  assert.equal(kill({ ...live, startTicks: live.startTicks + 1 }, 'SIGTERM'), false);
  const exited = once(child, 'exit');
  assert.equal(kill(live, 'SIGTERM'), true);
  assert.deepEqual(await exited, [null, 'SIGTERM']);
  assert.equal(kill(live), false);
});
