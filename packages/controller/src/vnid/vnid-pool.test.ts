import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { VnidPool } from './vnid-pool.ts';

const from = (share: number) => ({ random: () => share });

describe('VnidPool refuses to hand out', () => {
  for (const [first, last] of [
    [9, 20],
    [0, 0],
    [10, 0x100_0000],
    [20, 19],
  ] as const) {
    test(`${first} to ${last}`, () => assert.throws(() => new VnidPool({ ...from(0), first, last }), RangeError));
  }
});

describe('VnidPool.allocate()', () => {
  test('gives undefined once all are taken', () => {
    const pool = new VnidPool({ ...from(0), first: 10, last: 11 });
    assert.deepEqual([pool.allocate(), pool.allocate(), pool.allocate()], [10, 11, undefined]);
  });

  test('starts at random and goes on around the end', () => {
    const pool = new VnidPool({ ...from(0.75), first: 10, last: 13 });
    assert.deepEqual([pool.allocate(), pool.allocate(), pool.allocate()], [13, 10, 11]);
  });

  test('reaches both ends of the whole range', () => {
    assert.equal(new VnidPool(from(0)).allocate(), 10);
    assert.equal(new VnidPool(from(1 - 2 ** -53)).allocate(), 0xff_ffff);
  });

  test('finds the only free one from anywhere', () => {
    for (const share of [0, 0.3, 0.6, 0.99]) {
      const pool = new VnidPool({ ...from(share), first: 10, last: 20 });
      for (let vnid = 10; vnid <= 20; vnid++) if (vnid !== 14) pool.claim(vnid);
      assert.equal(pool.allocate(), 14);
    }
  });

  test('does not count the global and the reserved ones', () => {
    const pool = new VnidPool({ ...from(0), first: 10, last: 10 });
    for (const vnid of [0, 1, 9, 11]) pool.claim(vnid);
    assert.equal(pool.allocate(), 10);
  });

  test('gives each free number once, whatever is taken and wherever it starts', () => {
    const shares = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 40 })), fc.infiniteStream(shares), (taken, stream) => {
        const random = () => stream.next().value ?? 0;
        const pool = new VnidPool({ random, first: 10, last: 30 });
        for (const vnid of taken) pool.claim(vnid);
        const given = new Set<number>();
        for (let vnid = pool.allocate(); vnid !== undefined; vnid = pool.allocate()) {
          assert(!given.has(vnid) && !taken.includes(vnid));
          given.add(vnid);
        }
        assert.equal(given.size, 21 - taken.filter((vnid) => vnid >= 10 && vnid <= 30).length);
      }),
    );
  });
});
