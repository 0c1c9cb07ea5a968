import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DAEMON_CLOCK } from './daemon-clock.ts';

describe('DAEMON_CLOCK', () => {
  test('sleep() rejects with the reason of a signal that has aborted already', async () => {
    const reason = new Error('enough');
    await assert.rejects(DAEMON_CLOCK.sleep(60_000, AbortSignal.abort(reason)), reason);
  });

  test('sleep() rejects with the reason of a signal that aborts meanwhile', async () => {
    const life = new AbortController();
    const asleep = DAEMON_CLOCK.sleep(60_000, life.signal);
    const reason = new Error('enough');
    life.abort(reason);
    await assert.rejects(asleep, reason);
  });

  test('sleep() does not return before its time', async () => {
    const before = performance.now();
    await DAEMON_CLOCK.sleep(5);
    assert(performance.now() - before >= 4);
  });

  test('nowMs() is the time of day', () => {
    assert(Math.abs(DAEMON_CLOCK.nowMs() - Date.now()) < 1000);
  });
});
