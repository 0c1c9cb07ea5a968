import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { IntervalSet } from './interval-set.ts';

describe('IntervalSet', () => {
  test('claim() names whom the newcomer overlaps, and leaves them what they have', () => {
    const set = new IntervalSet();
    assert.deepEqual(set.claim(10n, 19n, 'a'), []);
    assert.deepEqual(set.claim(30n, 39n, 'b'), []);
    assert.deepEqual(set.claim(15n, 34n, 'c'), ['a', 'b']);
    assert.deepEqual(set.claim(20n, 29n, 'd'), ['c']);
    assert.deepEqual(set.claim(10n, 39n, 'e'), ['a', 'c', 'b']);
  });

  test('claim() names the owner of the same interval', () => {
    const set = new IntervalSet();
    set.claim(0n, 255n, 'a');
    assert.deepEqual(set.claim(0n, 255n, 'b'), ['a']);
  });

  test('isFree() and isFull() agree with a plain array of numbers, whatever was claimed', () => {
    const interval = fc
      .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 12 }))
      .map(([first, more]) => [first, first + more] as const);
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 12 }), interval, (claims, [first, last]) => {
        const set = new IntervalSet();
        const owners: (string | undefined)[] = Array.from({ length: 60 });
        for (const [at, [from, to]] of claims.entries()) {
          const before = owners.slice(from, to + 1).filter((owner) => owner !== undefined);
          assert.deepEqual(set.claim(BigInt(from), BigInt(to), `o${at}`), [...new Set(before)]);
          for (let n = from; n <= to; n++) owners[n] ??= `o${at}`;
        }
        const asked = owners.slice(first, last + 1);
        assert.equal(
          set.isFree(BigInt(first), BigInt(last)),
          asked.every((owner) => owner === undefined),
        );
        assert.equal(
          set.isFull(BigInt(first), BigInt(last)),
          asked.every((owner) => owner !== undefined),
        );
      }),
    );
  });
});
