import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWatchdog } from './watchdog.ts';

/** A clock that stands still until it is moved; sleepers wake when their time has come. */
function manualClock() {
  let nowMs = 1000;
  const sleepers = new Set<{ atMs: number; wake: () => void }>();
  return {
    nowMs: () => nowMs,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const sleeper = { atMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
    async advance(ms: number): Promise<void> {
      nowMs += ms;
      for (const sleeper of [...sleepers]) if (sleeper.atMs <= nowMs && sleepers.delete(sleeper)) sleeper.wake();
      await new Promise((resolve) => setImmediate(resolve));
    },
    get sleeping() {
      return sleepers.size;
    },
  };
}

test('startWatchdog() cuts after hours of silence, not while something is heard', async () => {
  const clock = manualClock();
  await using watchdog = startWatchdog({ clock, silenceMs: 60_000, signal: new AbortController().signal });
  for (let i = 0; i < 5; i++) {
    await clock.advance(59_000);
    watchdog.heard();
  }
  assert.equal(watchdog.isSilent, false);
  await clock.advance(3 * 3_600_000);
  assert.equal(watchdog.isSilent, true);
  assert.equal(watchdog.signal.aborted, true);
});

test('startWatchdog() follows its parent, and is not silent then', async () => {
  const end = new AbortController();
  await using watchdog = startWatchdog({ clock: manualClock(), silenceMs: 60_000, signal: end.signal });
  end.abort(new Error('enough'));
  assert.deepEqual([watchdog.signal.aborted, watchdog.isSilent], [true, false]);
});

test('startWatchdog() leaves no sleeper behind when disposed of', async () => {
  const clock = manualClock();
  {
    await using watchdog = startWatchdog({ clock, silenceMs: 60_000, signal: new AbortController().signal });
    assert.deepEqual([clock.sleeping, watchdog.isSilent], [1, false]);
  }
  assert.equal(clock.sleeping, 0);
});

test('startWatchdog() cuts in time when the wall clock is set back', async () => {
  const clock = manualClock();
  await using watchdog = startWatchdog({ clock, silenceMs: 60_000, signal: new AbortController().signal });
  await clock.advance(-3_600_000);
  watchdog.heard();
  await clock.advance(60_000);
  await clock.advance(3_600_000);
  assert.equal(watchdog.isSilent, true);
});
