import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from './time.ts';

describe('backoffMs()', () => {
  const settings = { firstMs: 100, maxMs: 30_000 };

  test('doubles from firstMs to maxMs, and half of it is random', () => {
    const waits = [1, 2, 3, 9, 10, 1000].map((failures) => [
      backoffMs(failures, 0, settings),
      backoffMs(failures, 0.999_999, settings),
    ]);
    assert.deepEqual(waits, [
      [50, 100],
      [100, 200],
      [200, 400],
      [12_800, 25_600],
      [15_000, 30_000],
      [15_000, 30_000],
    ]);
  });

  test('never waits less than half of firstMs nor more than maxMs, however many failures', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
        const ms = backoffMs(failures, random, settings);
        assert.ok(ms >= 50 && ms <= 30_000 && Number.isInteger(ms));
      }),
    );
  });
});
