import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { SilenceWatch } from './silence-watch.ts';

const IDLE_MS = 50;
const DEADLINE_MS = 30;

/** A watch whose clock is the test's, and what it did when. */
function watched(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const did: string[] = [];
  let nowMs = 0;
  const watch = new SilenceWatch({
    idleMs: IDLE_MS,
    deadlineMs: DEADLINE_MS,
    ask: () => did.push(`asks at ${nowMs}`),
    giveUp: () => did.push(`gives up at ${nowMs}`),
  });
  const passAtOnce = (ms: number) => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  /** Time goes by, and what is read is read. */
  const pass = async (ms: number) => {
    passAtOnce(ms);
    await setImmediate();
  };
  return { watch, did, pass, passAtOnce };
}

describe('SilenceWatch', () => {
  test('waits for ever when nothing was heard first', async (t) => {
    const { did, pass } = watched(t);
    await pass(1_000);
    assert.deepEqual(did, []);
  });

  test('asks once after the idle time and gives up once after the deadline', async (t) => {
    const { watch, did, pass } = watched(t);
    watch.heard();
    for (const ms of [IDLE_MS - 1, 1, DEADLINE_MS - 1, 1, 1_000]) await pass(ms);
    assert.deepEqual(did, ['asks at 50', 'gives up at 80']);
  });

  test('begins anew when anything is heard after it asked', async (t) => {
    const { watch, did, pass } = watched(t);
    for (let round = 0; round < 3; round++) {
      watch.heard();
      for (const ms of [IDLE_MS, DEADLINE_MS - 1]) await pass(ms);
    }
    assert.deepEqual(did, ['asks at 50', 'asks at 129', 'asks at 208']);
  });

  test('does not give up when what came meanwhile is read in the turn in which the deadline passes', async (t) => {
    const { watch, did, passAtOnce } = watched(t);
    watch.heard();
    for (const ms of [IDLE_MS, DEADLINE_MS]) passAtOnce(ms);
    watch.heard();
    await setImmediate();
    assert.deepEqual(did, ['asks at 50']);
  });

  test('is still after it was disposed, and hears no more', async (t) => {
    for (const before of [[], [IDLE_MS], [IDLE_MS, DEADLINE_MS]]) {
      const { watch, did, pass, passAtOnce } = watched(t);
      watch.heard();
      for (const ms of before) passAtOnce(ms);
      watch[Symbol.dispose]();
      watch.heard();
      await pass(1_000);
      assert.deepEqual(did, before.length === 0 ? [] : ['asks at 50']);
      t.mock.timers.reset();
    }
  });

  test('never gives up a peer that is heard before the deadline, however long it pauses', async (t) => {
    const { watch, did, pass } = watched(t);
    const pauses = fc.array(fc.integer({ min: 0, max: IDLE_MS - 1 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pauses, async (pausesMs) => {
        for (const ms of pausesMs) {
          watch.heard();
          // The clock of the test stops at each timer, as a real one does.
          await pass(ms);
          await pass(DEADLINE_MS);
        }
        assert.ok(!did.some((what) => what.startsWith('gives up')));
      }),
      { numRuns: 50 },
    );
    assert.ok(did.length > 0, 'it never came so far as to ask');
  });
});
