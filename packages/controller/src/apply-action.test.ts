import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kubeError } from '@tenet/kube';
import type { HostSubnetObject } from '@tenet/model';
import { isTenetError, SILENT } from '@tenet/std';
import { FakeServer } from '../testing/fake-server.ts';
import type { Action } from './action.ts';
import { applyAction } from './apply-action.ts';
import { PendingWrites } from './pending-writes.ts';

const CLOCK = { nowMs: () => 1000, sleep: () => Promise.resolve() };

const object: HostSubnetObject = { metadata: { name: 'a' }, host: 'a', hostIP: '10.0.0.1', subnet: '10.128.0.0/23' };
const named = { kind: 'HostSubnet', name: 'a', because: 'of a test' } as const;

/** A server that has the HostSubnet, what is pending, and a way to apply an action. */
function stage({ isEmpty = false } = {}) {
  const client = new FakeServer();
  const stored = isEmpty ? object : client.put('HostSubnet', object);
  const pending = new PendingWrites<HostSubnetObject>();
  const apply = (action: Action<'HostSubnet'>) => applyAction(action, { client, pending, log: SILENT, clock: CLOCK });
  return { client, stored, uid: stored.metadata.uid ?? '', pending, apply };
}

describe('applyAction()', () => {
  test('is lost when the name is taken, and asks for what is there', async () => {
    const { apply, pending } = stage();
    assert.equal(await apply({ ...named, verb: 'create', object }), 'lost');
    assert.deepEqual(pending.overdue(0), ['a']);
  });

  test('is lost when somebody changed the object in between', async () => {
    const { apply, client, stored } = stage();
    client.put('HostSubnet', { ...stored, hostIP: '10.0.0.7' });
    const patch = { metadata: { resourceVersion: stored.metadata.resourceVersion }, hostIP: '10.0.0.9' };
    assert.equal(await apply({ ...named, verb: 'patch', from: stored, patch }), 'lost');
    assert.equal(client.of('HostSubnet').get('a')?.hostIP, '10.0.0.7');
  });

  test('is lost when another object of that name was to be deleted', async () => {
    const { apply, client } = stage();
    const unless = { kind: 'Node', name: 'a' } as const;
    assert.equal(await apply({ ...named, verb: 'delete', uid: 'other', unless }), 'lost');
    assert(client.of('HostSubnet').has('a'));
  });

  test('is late, and deletes nothing, when the owner is there after all', async () => {
    const { apply, client, uid } = stage();
    const node = client.put('Node', { metadata: { name: 'a' } });
    for (const unless of [{ uid: node.metadata.uid ?? '' }, {}]) {
      assert.equal(
        await apply({ ...named, verb: 'delete', uid, unless: { kind: 'Node', name: 'a', ...unless } }),
        'late',
      );
    }
    assert(client.of('HostSubnet').has('a'));
  });

  test('deletes when the owner is another one of the same name', async () => {
    const { apply, client, uid, pending } = stage();
    client.put('Node', { metadata: { name: 'a' } });
    assert.equal(
      await apply({ ...named, verb: 'delete', uid, unless: { kind: 'Node', name: 'a', uid: 'older' } }),
      'done',
    );
    assert.equal(client.of('HostSubnet').size, 0);
    assert.equal(pending.size, 1);
  });

  test('replaces in one go', async () => {
    const { apply, client, uid, pending } = stage();
    assert.equal(
      await apply({ ...named, verb: 'replace', uid, object: { ...object, subnet: '10.129.0.0/23' } }),
      'done',
    );
    assert.equal(client.of('HostSubnet').get('a')?.subnet, '10.129.0.0/23');
    assert.notEqual(client.of('HostSubnet').get('a')?.metadata.uid, uid);
    assert.equal(pending.over(new Map()).get('a')?.subnet, '10.129.0.0/23');
  });

  for (const fate of ['never arrives', 'answer is lost'] as const) {
    test(`rejects when a request ${fate === 'answer is lost' ? 'has no answer' : fate}, and doubts what became of it`, async () => {
      const { apply, client, pending } = stage({ isEmpty: true });
      client.fates.push(fate);
      await assert.rejects(apply({ ...named, verb: 'create', object }), (error) =>
        isTenetError(error, 'KUBE_UNREACHABLE'),
      );
      assert.deepEqual(pending.overdue(0), ['a']);
    });
  }

  test('gives a refusal on the object that the API server does not accept', async () => {
    const { client, pending } = stage({ isEmpty: true });
    const facts = { verb: 'create', path: '/', status: 422, reason: 'Invalid', message: 'subnet: Invalid value' };
    const strict = { ...bound(client), create: () => Promise.reject(kubeError('KUBE_REFUSED', facts)) };
    const applier = { client: strict, pending, log: SILENT, clock: CLOCK };
    const outcome = await applyAction<'HostSubnet'>({ ...named, verb: 'create', object }, applier);
    assert(typeof outcome !== 'string');
    assert.deepEqual(outcome.subject, { kind: 'HostSubnet', name: 'a' });
    assert.equal(outcome.error.code, 'KUBE_REFUSED');
  });
});

function bound(client: FakeServer) {
  const get: FakeServer['get'] = (kind, ref) => client.get(kind, ref);
  const patch: FakeServer['patch'] = (kind, ref, change) => client.patch(kind, ref, change);
  const remove: FakeServer['delete'] = (kind, ref) => client.delete(kind, ref);
  return { get, patch, delete: remove };
}
