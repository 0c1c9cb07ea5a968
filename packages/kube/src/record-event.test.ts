import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@tenet/std';
import { isTenetError } from '@tenet/std';
import type { KubeClient } from './client.ts';
import { kubeError } from './errors.ts';
import { recordEvent } from './record-event.ts';

const REFUSED = { verb: 'patch', path: '/', status: 404, reason: 'NotFound', message: 'gone' };

/** The two calls that events need; anything else is a mistake of the caller. */
function eventServer({ patchFails = false, taken = 0 } = {}) {
  const names: string[] = [];
  const patches: object[] = [];
  const calls: Pick<KubeClient, 'create' | 'patch'> = {
    async create(_kind, object) {
      if (taken-- > 0) throw kubeError('KUBE_ALREADY_EXISTS', { ...REFUSED, status: 409 });
      names.push(`${object.metadata.namespace}/${object.metadata.name}`);
      return object;
    },
    async patch(_kind, _ref, mergePatch) {
      if (patchFails) throw kubeError('KUBE_NOT_FOUND', REFUSED);
      patches.push(mergePatch);
      // What a patch answers is not looked at.
      return undefined as never;
    },
  };
  return { names, patches, client: calls as KubeClient };
}

function clockAt(start: number): Clock & { ms: number } {
  return { ms: start, nowMs: () => clock.ms, sleep: async () => {} };
}
let clock = clockAt(0);

const event = (message = 'subnet 10.1.0.0/23 given') => ({
  object: { kind: 'Node' as const, name: 'n1', uid: 'u' },
  type: 'Normal' as const,
  reason: 'SubnetAllocated',
  message,
  component: 'tenet-controller',
  clock,
});

test('recordEvent() makes one event, and counts up its repeats', async () => {
  clock = clockAt(1_000_000);
  const { client, names, patches } = eventServer();
  await recordEvent(client, event());
  clock.ms += 60_000;
  await recordEvent(client, event());
  await recordEvent(client, event());
  assert.deepEqual(names, ['default/n1.f42400000']);
  assert.deepEqual(patches, [
    { count: 2, lastTimestamp: '1970-01-01T00:17:40Z' },
    { count: 3, lastTimestamp: '1970-01-01T00:17:40Z' },
  ]);
});

test('recordEvent() cuts the name of an object that leaves no room for the rest, at no dot or hyphen', async () => {
  clock = clockAt(0x1_9f0_0000_000);
  const rows = [
    { name: 'a'.repeat(237), made: `${'a'.repeat(237)}.19f000000000000` },
    { name: 'a'.repeat(253), made: `${'a'.repeat(237)}.19f000000000000` },
    { name: `${'a'.repeat(235)}.-${'b'.repeat(16)}`, made: `${'a'.repeat(235)}.19f000000000000` },
  ];
  for (const { name, made } of rows) {
    const { client, names } = eventServer();
    const base = event();
    await recordEvent(client, { ...base, object: { ...base.object, name } });
    assert.deepEqual(names, [`default/${made}`]);
  }
});

test('recordEvent() makes another event for another message, or when the first is long ago', async () => {
  clock = clockAt(1_000_000);
  const { client, names, patches } = eventServer();
  await recordEvent(client, event());
  await recordEvent(client, event('subnet 10.1.2.0/23 given'));
  clock.ms += 600_000;
  await recordEvent(client, event());
  assert.deepEqual([names.length, patches.length], [3, 0]);
});

test('recordEvent() makes a new event when the server has forgotten the old one', async () => {
  const { client, names } = eventServer({ patchFails: true });
  await recordEvent(client, event());
  await recordEvent(client, event());
  assert.equal(names.length, 2);
});

test('recordEvent() takes the next name when one is taken, and gives up in the end', async () => {
  const once = eventServer({ taken: 1 });
  await recordEvent(once.client, event());
  assert.match(once.names[0] ?? '', /0001$/);
  const always = eventServer({ taken: 1000 });
  await assert.rejects(recordEvent(always.client, event()), (error) => isTenetError(error, 'KUBE_ALREADY_EXISTS'));
});
