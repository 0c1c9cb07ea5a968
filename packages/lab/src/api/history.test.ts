import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from './history.ts';
import type { StoredObject } from './object.ts';
import { ResourceTable } from './resources.ts';

const resource = new ResourceTable().ofKind('Node');
const other = new ResourceTable().ofKind('Namespace');
const object = (name: string, version: number): StoredObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: name, resourceVersion: String(version), creationTimestamp: '' },
});
const added = (version: number, name = `n${version}`) =>
  ({ version, resource, type: 'ADDED', object: object(name, version) }) as const;

test('History refuses a size that is none and a version out of turn', () => {
  assert.throws(() => new History(0, 1), RangeError);
  assert.throws(() => new History(2, 1).add(added(3)), RangeError);
});

test('History holds what follows from the last changes, and nothing of the future', () => {
  const history = new History(3, 10);
  assert.deepEqual(
    [9, 10, 11].map((version) => history.holds(version)),
    [false, true, false],
  );
  for (const version of [11, 12, 13, 14]) history.add(added(version));
  assert.deepEqual(
    [10, 11, 12, 13, 14, 15].map((version) => history.holds(version)),
    [false, true, true, true, true, false],
  );
  assert.equal(history.at(11), undefined);
  assert.equal(history.at(12)?.object.metadata.name, 'n12');
  assert.equal(history.holds(12.5), false);
});

test('History.stateAt() says how changed objects were, the oldest state first', () => {
  const history = new History(10, 0);
  history.add(added(1, 'a'));
  history.add({ version: 2, resource, type: 'MODIFIED', object: object('a', 2), previous: object('a', 1) });
  history.add({ version: 3, resource, type: 'DELETED', object: object('a', 3), previous: object('a', 2) });
  history.add({ ...added(4, 'b'), resource: other });
  const versions = (at: number) => [...history.stateAt(at, resource)].map(([k, o]) => [k, o?.metadata.resourceVersion]);
  assert.deepEqual(versions(0), [['a', undefined]]);
  assert.deepEqual(versions(1), [['a', '1']]);
  assert.deepEqual(versions(2), [['a', '2']]);
  assert.deepEqual(versions(3), []);
});
