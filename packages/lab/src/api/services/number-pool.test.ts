import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NumberPool } from './number-pool.ts';

test('NumberPool() refuses a range that holds nothing', () =>
  assert.throws(() => new NumberPool({ first: 2, last: 1, bandSize: 0 }), RangeError));

test('NumberPool.next() leaves the band for last, and what was just given back for later', () => {
  const pool = new NumberPool({ first: 1, last: 5, bandSize: 2 });
  const order: (number | undefined)[] = [];
  for (let at = 0; at < 6; at++) {
    const next = pool.next(new Set());
    order.push(next);
    if (next !== undefined) pool.take(next, `owner ${at}`);
  }
  assert.deepEqual(order, [3, 4, 5, 1, 2, undefined]);
  pool.release(4, 'somebody else');
  assert.equal(pool.next(new Set()), undefined);
  pool.release(4, 'owner 1');
  assert.equal(pool.next(new Set()), 4);
  assert.equal(pool.next(new Set([4])), undefined);
});

test('NumberPool.next() never gives what somebody has, whatever is taken and given back', () => {
  const step = fc.record({ give: fc.boolean(), at: fc.nat(6) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pool = new NumberPool({ first: 10, last: 15, bandSize: 2 });
      const held: number[] = [];
      for (const { give, at } of steps) {
        if (give) {
          const [number] = held.splice(at % (held.length || 1), 1);
          if (number !== undefined) pool.release(number, `o${number}`);
          continue;
        }
        const next = pool.next(new Set());
        assert.equal(next === undefined, held.length === 6);
        if (next === undefined) continue;
        assert.ok(pool.has(next) && !held.includes(next), `${next} of ${held}`);
        pool.take(next, `o${next}`);
        held.push(next);
      }
    }),
  );
});
