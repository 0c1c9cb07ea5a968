import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { diff } from './diff.ts';

const world = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), fc.nat(2))
  .map((entries) => new Map(Object.entries(entries)));

describe('diff()', () => {
  test('turns what is into what should be', () => {
    fc.assert(
      fc.property(world, world, (desired, actual) => {
        const { add, remove } = diff(desired, actual, Object.is);
        const result = new Map([...actual].filter(([key]) => !remove.has(key)));
        for (const [key, value] of add) result.set(key, value);
        assert.deepEqual(new Map([...result].toSorted()), new Map([...desired].toSorted()));
      }),
    );
  });

  test('says nothing of what is right already, and never both adds and removes', () => {
    fc.assert(
      fc.property(world, world, (desired, actual) => {
        const { add, remove } = diff(desired, actual, Object.is);
        for (const [key, value] of add) assert.ok(actual.get(key) !== value && !remove.has(key));
        for (const key of remove.keys()) assert.ok(!desired.has(key));
        assert.deepEqual(diff(actual, actual, Object.is), { add: new Map(), remove: new Map() });
      }),
    );
  });
});
