import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  test('take() waits for nothing as often as the burst allows, then for its rate', () => {
    const bucket = new TokenBucket({ perSecond: 5, burst: 3 });
    assert.deepEqual(
      [0, 0, 0, 0, 0].map((ms) => bucket.take(ms)),
      [0, 0, 0, 200, 400],
    );
  });

  test('take() waits for nothing again after rest, and no more often than the burst allows', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 });
    for (const _ of [1, 2, 3]) bucket.take(1_000);
    assert.deepEqual(
      [60_000, 60_000, 60_000].map((ms) => bucket.take(ms)),
      [0, 0, 100],
    );
  });

  test('take() lets through no more than burst and rate allow, and no less, whenever it is asked', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 8 }), (waits, perSecond, burst) => {
        const bucket = new TokenBucket({ perSecond, burst });
        let nowMs = 0;
        const passed: number[] = [];
        for (const gap of waits) {
          nowMs += gap;
          // Who takes a token waits until it is good before he takes another.
          nowMs += bucket.take(nowMs);
          passed.push(nowMs);
        }
        for (const [from, startMs] of passed.entries())
          for (const [to, endMs] of passed.entries())
            if (to >= from)
              assert.ok(to - from + 1 <= burst + ((endMs - startMs) / 1_000) * perSecond + 1e-6, `${passed}`);
      }),
    );
  });
});
