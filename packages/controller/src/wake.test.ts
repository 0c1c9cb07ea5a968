import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '@tenet/std';
import { Wake } from './wake.ts';

/** A clock whose sleeps end only when they are aborted, or at once for 0 ms. */
const CLOCK: Clock = {
  nowMs: () => 0,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (ms === 0) resolve();
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    }),
};
const { signal } = new AbortController();

describe('Wake.wait()', () => {
  test('rejects with the reason once the signal aborts', async () => {
    const life = new AbortController();
    const waiting = new Wake().wait(1000, { clock: CLOCK, signal: life.signal });
    life.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
  });

  test('rejects when the signal has aborted, even if the bell was rung', async () => {
    const wake = new Wake();
    wake.ring();
    await assert.rejects(wake.wait(1000, { clock: CLOCK, signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  });

  test('ends when the time is over', () => new Wake().wait(0, { clock: CLOCK, signal }));

  test('ends when the bell is rung, and once only for many rings', async () => {
    const wake = new Wake();
    wake.ring();
    wake.ring();
    await wake.wait(1000, { clock: CLOCK, signal });
    let isWoken = false;
    const second = wake.wait(1000, { clock: CLOCK, signal }).then(() => {
      isWoken = true;
    });
    await new Promise(setImmediate);
    assert.equal(isWoken, false);
    wake.ring();
    await second;
  });
});
