import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '@tenet/model';
import { PendingWrites } from './pending-writes.ts';

const object = (uid: string, resourceVersion: string, name = 'a'): KubeObject => ({
  metadata: { name, uid, resourceVersion },
});
const cacheOf = (...objects: readonly KubeObject[]) => new Map(objects.map((one) => [one.metadata.name, one]));
const shown = (view: ReadonlyMap<string, KubeObject>) =>
  [...view.values()].map(({ metadata }) => `${metadata.uid}@${metadata.resourceVersion}`);
const NOTHING = cacheOf();

describe('PendingWrites.over()', () => {
  test('shows what was created until the cache does', () => {
    const writes = new PendingWrites();
    writes.wrote(object('u1', '5'), { nowMs: 0 });
    assert.deepEqual(shown(writes.over(NOTHING)), ['u1@5']);
    assert.deepEqual(shown(writes.over(cacheOf(object('u1', '5')))), ['u1@5']);
    assert.equal(writes.size, 0);
    assert.deepEqual(shown(writes.over(NOTHING)), []);
  });

  test('shows what was patched until the cache shows another version than the patched one', () => {
    const writes = new PendingWrites();
    const before = object('u1', '5');
    writes.wrote(object('u1', '6'), { nowMs: 0, from: before });
    assert.deepEqual(shown(writes.over(cacheOf(before))), ['u1@6']);
    assert.deepEqual(shown(writes.over(cacheOf(object('u1', '9')))), ['u1@9']);
    assert.equal(writes.size, 0);
  });

  test('knows every version of a chain of patches as old', () => {
    const writes = new PendingWrites();
    const [first, second] = [object('u1', '5'), object('u1', '6')];
    writes.wrote(second, { nowMs: 0, from: first });
    writes.wrote(object('u1', '7'), { nowMs: 0, from: second });
    assert.deepEqual(shown(writes.over(cacheOf(first))), ['u1@7']);
    assert.deepEqual(shown(writes.over(cacheOf(second))), ['u1@7']);
  });

  test('hides what was deleted until it is gone from the cache', () => {
    const writes = new PendingWrites();
    writes.deleted('a', { nowMs: 0, uid: 'u1' });
    assert.deepEqual(shown(writes.over(cacheOf(object('u1', '5')))), []);
    assert.deepEqual(shown(writes.over(cacheOf(object('u1', '6')))), []);
    assert.equal(writes.size, 1);
    assert.deepEqual(shown(writes.over(NOTHING)), []);
    assert.equal(writes.size, 0);
  });

  test('shows what somebody else made of a name that was deleted', () => {
    const writes = new PendingWrites();
    writes.deleted('a', { nowMs: 0, uid: 'u1' });
    assert.deepEqual(shown(writes.over(cacheOf(object('u2', '8')))), ['u2@8']);
  });

  test('shows the new object of a name while the cache still has the old one', () => {
    const writes = new PendingWrites();
    writes.deleted('a', { nowMs: 0, uid: 'u1' });
    writes.wrote(object('u2', '7'), { nowMs: 0 });
    assert.deepEqual(shown(writes.over(cacheOf(object('u1', '5')))), ['u2@7']);
    assert.deepEqual(shown(writes.over(NOTHING)), ['u2@7']);
    assert.deepEqual(shown(writes.over(cacheOf(object('u3', '9')))), ['u3@9']);
  });

  test('leaves other names alone', () => {
    const writes = new PendingWrites();
    writes.deleted('a', { nowMs: 0, uid: 'u1' });
    assert.deepEqual(shown(writes.over(cacheOf(object('u1', '5'), object('u9', '5', 'b')))), ['u9@5']);
  });
});

describe('PendingWrites.overdue()', () => {
  test('names a doubtful write at once, and any other after 5 seconds', () => {
    const writes = new PendingWrites();
    writes.wrote(object('u1', '5'), { nowMs: 1000 });
    assert.deepEqual(writes.overdue(5999), []);
    assert.deepEqual(writes.overdue(6000), ['a']);
    writes.doubt('b');
    assert.deepEqual(writes.overdue(1000), ['b']);
  });

  test('counts anew once the server was asked', () => {
    const writes = new PendingWrites();
    writes.wrote(object('u1', '5'), { nowMs: 0 });
    writes.verified('a', { nowMs: 6000, object: object('u1', '5'), seen: undefined });
    assert.deepEqual(writes.overdue(10_000), []);
    assert.deepEqual(writes.overdue(11_000), ['a']);
  });
});

describe('PendingWrites.verified()', () => {
  test('shows what the server has, not the older version in the cache', () => {
    const writes = new PendingWrites();
    const seen = object('u1', '5');
    writes.doubt('a');
    writes.verified('a', { nowMs: 0, object: object('u1', '8'), seen });
    assert.deepEqual(shown(writes.over(cacheOf(seen))), ['u1@8']);
  });

  test('hides what the server no longer has', () => {
    const writes = new PendingWrites();
    const seen = object('u1', '5');
    writes.doubt('a');
    writes.verified('a', { nowMs: 0, object: undefined, seen });
    assert.deepEqual(shown(writes.over(cacheOf(seen))), []);
  });

  test('shows a deleted object again that a finalizer keeps', () => {
    const writes = new PendingWrites();
    const seen = object('u1', '5');
    writes.deleted('a', { nowMs: 0, uid: 'u1' });
    writes.verified('a', { nowMs: 6000, object: object('u1', '6'), seen });
    assert.deepEqual(shown(writes.over(cacheOf(seen))), ['u1@6']);
    assert.deepEqual(shown(writes.over(cacheOf(object('u1', '6')))), ['u1@6']);
    assert.equal(writes.size, 0);
  });
});
