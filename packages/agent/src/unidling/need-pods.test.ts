import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT } from '@tenet/std';
import { ManualClock, settled } from '../../testing/manual-clock.ts';
import { NeedPods } from './need-pods.ts';

function needPods(answers: readonly ('recorded' | 'failed')[] = []) {
  const clock = new ManualClock();
  const toldAtMs: number[] = [];
  const warnings: unknown[] = [];
  const teller = new NeedPods({
    service: 'alpha/web',
    clock,
    random: () => 1,
    log: { ...SILENT, warn: (_phrase, facts) => void warnings.push(facts?.error) },
    async record() {
      toldAtMs.push(clock.nowMs());
      if (answers[toldAtMs.length - 1] === 'failed') throw new Error('the API server is away');
    },
  });
  /** As a port does that has a client all the time. */
  const everySecond = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      teller.needed();
      await clock.pass(1000);
    }
  };
  return { teller, clock, toldAtMs, warnings, everySecond };
}

test('needed() tells once of clients that come together, and again after 120 s of clients', async () => {
  const { everySecond, toldAtMs } = needPods();
  await everySecond(240);
  assert.deepEqual(toldAtMs, [0, 120_000]);
});

test('needed() tells of the first client after a pause of any length once 120 s are over', async () => {
  const { teller, clock, toldAtMs } = needPods();
  teller.needed();
  await clock.pass(119_999);
  teller.needed();
  await clock.pass(500_000);
  teller.needed();
  assert.deepEqual(toldAtMs, [0, 619_999]);
});

test('needed() tells again soon, and later each time, when it could not be recorded; the log has it once', async () => {
  const { everySecond, toldAtMs, warnings } = needPods(['failed', 'failed', 'failed', 'recorded']);
  await everySecond(30);
  assert.deepEqual(toldAtMs, [0, 1000, 2000, 4000]);
  assert.deepEqual(warnings, ['the API server is away']);
});

test('needed() waits for the answer before it tells again', async () => {
  const clock = new ManualClock();
  let calls = 0;
  const teller = new NeedPods({
    ...{ service: 'alpha/web', clock, random: () => 0, log: SILENT },
    record() {
      calls++;
      return new Promise<void>(() => {});
    },
  });
  teller.needed();
  await clock.pass(500_000);
  teller.needed();
  assert.equal(calls, 1);
});

test('rearm() makes the next client be told of at once, when the port was put to sleep again', async () => {
  const { teller, clock, toldAtMs } = needPods();
  teller.needed();
  await clock.pass(10_000);
  teller.needed();
  teller.rearm();
  assert.equal(teller.isDue, true);
  teller.needed();
  await settled();
  assert.deepEqual(toldAtMs, [0, 10_000]);
  assert.equal(teller.isDue, false);
});
