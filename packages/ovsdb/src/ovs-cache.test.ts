import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RowChange } from './monitor.ts';
import { OvsCache } from './ovs-cache.ts';

const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';
const port = (name: string, tag: unknown = ['set', []]) => ({
  new: { name, interfaces: ['set', []], tag, other_config: ['map', []], external_ids: ['map', []] },
});
const GONE = { old: { name: 'whatever' } };

/** A cache, the way into it, and what it emitted as `before → after`. */
async function followed(first: object) {
  let tell = (_updates: unknown, _isFirst: boolean): void => {};
  const cache = new OvsCache();
  const emitted: string[][] = [];
  const nameOf = (row: RowChange['after']) => (row !== undefined && 'name' in row ? row.name : '-');
  const changes = cache.onChange((batch) => {
    emitted.push(batch.map(({ before, after }) => `${nameOf(before)} → ${nameOf(after)}`));
  });
  const connect = (updates: object) =>
    cache.follow({
      async monitor(_database, _requests, onUpdates) {
        tell = onUpdates;
        onUpdates({ Port: updates }, true);
      },
    });
  await connect(first);
  return { cache, emitted, changes, connect, tell: (updates: object) => tell({ Port: updates }, false) };
}

describe('OvsCache', () => {
  test('follow() refuses updates that are not of the protocol', async () => {
    const { cache } = await followed({});
    for (const updates of [null, { Port: 1 }, { Port: { [A]: 1 } }, { Port: { [A]: { new: {} } } }])
      await assert.rejects(cache.follow({ monitor: async (_d, _r, onUpdates) => onUpdates(updates, true) }), {
        code: 'COLUMN_MALFORMED',
      });
  });

  test('port() follows rows that appear, change and vanish', async () => {
    const { cache, emitted, tell } = await followed({ [A]: port('one') });
    tell({ [B]: port('two') });
    tell({ [A]: port('one', 7), [B]: GONE });
    assert.equal(cache.port('one')?.tag, 7);
    assert.equal(cache.port('two'), undefined);
    assert.deepEqual(emitted, [['- → one'], ['- → two'], ['one → one', 'two → -']]);
  });

  test('port() finds the new row when one transaction replaces a row by another of its name, told in any order', async () => {
    const { cache, tell } = await followed({ [A]: port('one') });
    tell({ [B]: port('one'), [A]: GONE });
    assert.equal(cache.port('one')?._uuid, B);
    tell({ [B]: GONE, [A]: port('one') });
    assert.equal(cache.port('one')?._uuid, A);
  });

  test('follow() emits only the difference when it follows a second connection', async () => {
    const { cache, emitted, connect, tell } = await followed({ [A]: port('stays'), [B]: port('goes') });
    await connect({ [A]: port('stays') });
    assert.deepEqual(emitted.slice(1), [['goes → -']]);
    assert.equal(cache.version, 2);
    await connect({ [A]: port('stays') });
    assert.equal(cache.version, 2);
    tell({ [A]: GONE });
    assert.equal(cache.port('stays'), undefined);
  });

  test('onChange() tells the other listeners when one of them fails, and nobody who left', async () => {
    const { cache, emitted, changes, tell } = await followed({});
    using _failing = cache.onChange(() => {
      throw new Error('a bug of its own');
    });
    const late: unknown[] = [];
    using _late = cache.onChange((batch) => late.push(batch));
    tell({ [A]: port('one') });
    changes[Symbol.dispose]();
    tell({ [A]: GONE });
    assert.deepEqual([emitted.length, late.length], [1, 2]);
  });

  test('waitFor() resolves with the value at once, or after the change that brings it', async () => {
    const { cache, tell } = await followed({ [A]: port('one') });
    assert.equal((await cache.waitFor(({ rows }) => rows.Port.values().next().value))?.name, 'one');
    const two = cache.waitFor((seen) => seen.port('two')?.name);
    tell({ [B]: port('two') });
    assert.equal(await two, 'two');
  });

  test('waitFor() rejects after its deadline, when aborted, and with what the predicate throws', async () => {
    const { cache, tell } = await followed({});
    const never = () => false as const;
    await assert.rejects(cache.waitFor(never, { deadlineMs: 1, what: 'port x' }), {
      code: 'WAIT_TIMED_OUT',
      message: 'port x did not come true within 1 ms',
    });
    await assert.rejects(cache.waitFor(never, { signal: AbortSignal.abort(new Error('enough')) }), {
      message: 'enough',
    });
    const controller = new AbortController();
    const aborted = cache.waitFor(never, { signal: controller.signal });
    controller.abort(new Error('no more'));
    await assert.rejects(aborted, { message: 'no more' });
    const throwing = cache.waitFor(({ version }) => {
      if (version > 0) throw new RangeError('seen');
      return undefined;
    });
    tell({ [A]: port('one') });
    await assert.rejects(throwing, { name: 'RangeError', message: 'seen' });
  });
});
