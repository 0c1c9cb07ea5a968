import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SnapshotMap } from './snapshot-map.ts';

test('SnapshotMap hands out the same map while nothing was changed', () => {
  const map = new SnapshotMap<number>();
  map.set('a', 1);
  const before = map.snapshot();
  map.set('a', 1);
  map.delete('b');
  assert.equal(map.snapshot(), before);
});

test('SnapshotMap copies once for many changes', () => {
  const map = new SnapshotMap<number>();
  const before = map.snapshot();
  map.set('a', 1);
  map.set('b', 2);
  const after = map.snapshot();
  assert.notEqual(after, before);
  assert.equal(map.snapshot(), after);
  assert.deepEqual(
    [...after],
    [
      ['a', 1],
      ['b', 2],
    ],
  );
});

test('SnapshotMap is a map, of which no snapshot ever changes', () => {
  const step = fc.oneof(
    fc.tuple(fc.constant('set' as const), fc.constantFrom('a', 'b', 'c'), fc.nat(2)),
    fc.tuple(fc.constant('delete' as const), fc.constantFrom('a', 'b', 'c'), fc.constant(0)),
    fc.tuple(fc.constant('look' as const), fc.constant(''), fc.constant(0)),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const map = new SnapshotMap<number>();
      const model = new Map<string, number>();
      const seen: [snapshot: ReadonlyMap<string, number>, was: ReadonlyMap<string, number>][] = [];
      for (const [what, key, value] of steps) {
        if (what === 'set') {
          map.set(key, value);
          model.set(key, value);
        } else if (what === 'delete') {
          map.delete(key);
          model.delete(key);
        } else seen.push([map.snapshot(), new Map(model)]);
        assert.equal(map.get(key), model.get(key));
      }
      assert.deepEqual(map.snapshot(), model);
      for (const [snapshot, was] of seen) assert.deepEqual(snapshot, was);
    }),
  );
});
