import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SyncLoop } from './sync-loop.ts';

/** A loop whose sleeps and passes a test ends, one by one. */
function heldLoop() {
  const stop = new AbortController();
  const events: string[] = [];
  let endPass: (isDone: boolean) => void = () => {};
  let endSleep: () => void = () => {};
  const loop = new SyncLoop({
    pass: () => {
      events.push('pass');
      return new Promise((resolve) => {
        endPass = resolve;
      });
    },
    clock: {
      sleep: (ms, signal) => {
        events.push(`sleep ${ms}`);
        return new Promise((resolve, reject) => {
          endSleep = resolve;
          signal?.addEventListener('abort', () => reject(signal.reason));
          if (signal?.aborted) reject(signal.reason);
        });
      },
    },
    random: () => 0,
    signal: stop.signal,
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    loop,
    ended: loop.run(),
    /** What has happened since the last question. */
    async seen() {
      await settle();
      return events.splice(0);
    },
    endPass: (isDone = true) => endPass(isDone),
    endSleep: () => endSleep(),
    stop: () => stop.abort(),
  };
}

describe('SyncLoop', () => {
  test('run() looks at once, then every second when nothing is heard', async () => {
    const held = heldLoop();
    assert.deepEqual(await held.seen(), ['pass']);
    held.endPass();
    assert.deepEqual(await held.seen(), ['sleep 1000']);
    held.endSleep();
    assert.deepEqual(await held.seen(), ['pass']);
  });

  test('hear() ends the rest, and during a pass there is none behind it', async () => {
    const held = heldLoop();
    await held.seen();
    held.endPass();
    assert.deepEqual(await held.seen(), ['sleep 1000']);
    held.loop.hear();
    assert.deepEqual(await held.seen(), ['pass']);
    for (let times = 0; times < 3; times++) held.loop.hear();
    held.endPass();
    assert.deepEqual(await held.seen(), ['pass']);
    held.endPass();
    assert.deepEqual(await held.seen(), ['sleep 1000'], 'all three were for one pass');
  });

  test('run() waits longer after each failure, up to 10 s, whatever is heard, and forgets it all after a success', async () => {
    const held = heldLoop();
    const waits: string[] = [];
    await held.seen();
    for (let failures = 1; failures <= 8; failures++) {
      held.endPass(false);
      waits.push(...(await held.seen()));
      held.loop.hear();
      assert.deepEqual(await held.seen(), []);
      held.endSleep();
      await held.seen();
    }
    // Half of 200 ms, doubled each time: the other half is random, which is zero here.
    assert.deepEqual(
      waits,
      [100, 200, 400, 800, 1600, 3200, 5000, 5000].map((ms) => `sleep ${ms}`),
    );
    held.endPass();
    assert.deepEqual(await held.seen(), ['sleep 1000']);
    held.endSleep();
    await held.seen();
    held.endPass(false);
    assert.deepEqual(await held.seen(), ['sleep 100']);
  });

  test('run() ends when told to, out of each sleep, and not before a pass has ended', async () => {
    for (const isDone of [true, false]) {
      const held = heldLoop();
      await held.seen();
      held.endPass(isDone);
      await held.seen();
      held.stop();
      await held.ended;
    }
    const held = heldLoop();
    await held.seen();
    let isEnded = false;
    void held.ended.then(() => {
      isEnded = true;
    });
    held.stop();
    assert.deepEqual(await held.seen(), []);
    assert.equal(isEnded, false);
    held.endPass();
    await held.ended;
    assert.deepEqual(await held.seen(), []);
  });
});
