import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '@tenet/model';
import fc from 'fast-check';
import { applyEvents, applyList, type Entry, emptyState, keyOf, versionOf } from './cache-state.ts';
import type { WatchEvent } from './watch-events.ts';

const never = () => false;
const object = (name: string, resourceVersion: string, uid = name): KubeObject => ({
  metadata: { name, namespace: 'ns', uid, resourceVersion },
});
const entryOf = (o: KubeObject): Entry<string> => ({ key: keyOf(o), version: versionOf(o), value: o.metadata.name });
const listed = (objects: readonly KubeObject[], resourceVersion = '9') =>
  [objects.map(entryOf), { resourceVersion, same: never }] as const;

describe('applyList()', () => {
  const rows = [
    { name: 'everything on the first list', before: [], after: [object('a', '1')], changed: ['ns/a'] },
    { name: 'nothing when versions are equal', before: [object('a', '1')], after: [object('a', '1')], changed: [] },
    { name: 'what has another version', before: [object('a', '1')], after: [object('a', '2')], changed: ['ns/a'] },
    { name: 'what went', before: [object('a', '1'), object('b', '1')], after: [object('b', '1')], changed: ['ns/a'] },
    { name: 'all that went, of an empty list', before: [object('a', '1')], after: [], changed: ['ns/a'] },
    {
      name: 'what was made anew at the same version',
      before: [object('a', '1', 'old')],
      after: [object('a', '1', 'new')],
      changed: ['ns/a'],
    },
  ];
  for (const { name, before, after, changed } of rows) {
    test(`applyList() reports ${name}`, () => {
      const state = emptyState<string>();
      applyList(state, ...listed(before));
      assert.deepEqual([...applyList(state, ...listed(after, '12'))], changed);
      assert.deepEqual([...state.values.keys()], after.map(keyOf));
      assert.equal(state.resourceVersion, '12');
    });
  }

  test('applyList() reports nothing when the projection is the same though the version is not', () => {
    const state = emptyState<string>();
    applyList(state, ...listed([object('a', '1')]));
    const same = (a: string, b: string) => a === b;
    assert.equal(applyList(state, [entryOf(object('a', '2'))], { resourceVersion: '3', same }).size, 0);
    assert.equal(state.versions.get('ns/a'), '2@a');
  });

  test('applyList() takes an object whose projection failed for absent, and does not look at that version again', () => {
    const state = emptyState<string>();
    applyList(state, ...listed([object('a', '1')]));
    const failed = { key: 'ns/a', version: '2@a' };
    assert.deepEqual([...applyList(state, [failed], { resourceVersion: '3', same: never })], ['ns/a']);
    assert.equal(state.values.has('ns/a'), false);
    assert.equal(applyList(state, [failed], { resourceVersion: '4', same: never }).size, 0);
  });
});

describe('applyEvents()', () => {
  test('applyEvents() follows adds, changes and deletes in their order and keeps the last version', () => {
    const state = emptyState<string>();
    const changed = applyEvents(
      state,
      [
        { type: 'ADDED', object: object('a', '1') },
        { type: 'ADDED', object: object('b', '2') },
        { type: 'DELETED', object: object('a', '3') },
        { type: 'BOOKMARK', resourceVersion: '8' },
      ],
      { entryOf, same: never },
    );
    assert.deepEqual([...changed], ['ns/a', 'ns/b']);
    assert.deepEqual([...state.values], [['ns/b', 'b']]);
    assert.equal(state.resourceVersion, '8');
  });

  test('applyEvents() reports nothing for a bookmark or for the delete of what was not known', () => {
    const state = emptyState<string>();
    const events: WatchEvent<KubeObject>[] = [
      { type: 'BOOKMARK', resourceVersion: '8' },
      { type: 'DELETED', object: object('a', '9') },
    ];
    assert.equal(applyEvents(state, events, { entryOf, same: never }).size, 0);
    assert.equal(state.resourceVersion, '9');
  });

  test('applyList() after any lost events leads to the same state as the events, and reports every difference', () => {
    const world = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 3 }).map(String));
    const objects = (w: Record<string, string>) => Object.entries(w).map(([name, version]) => object(name, version));
    fc.assert(
      fc.property(world, world, (before, after) => {
        const state = emptyState<string>();
        applyList(state, ...listed(objects(before)));
        const changed = applyList(state, ...listed(objects(after)));
        const names = new Set([...Object.keys(before), ...Object.keys(after)]);
        const differ = [...names].filter((name) => before[name] !== after[name]).map((name) => `ns/${name}`);
        assert.deepEqual([...changed].sort(), differ.sort());
        assert.deepEqual([...state.values.keys()].sort(), objects(after).map(keyOf).sort());
      }),
    );
  });
});
