import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiStore } from './store.ts';
import { eventOf, streamWatch, type WatchQuery } from './watch-stream.ts';

function newStore(historySize = 100): ApiStore {
  let uids = 0;
  return new ApiStore({ nowMs: () => 1_000, uid: () => `${++uids}`, historySize, namespaces: [] });
}

/** A reader that keeps what it is sent, and leaves when it has `enough` lines. */
function reader(enough: number) {
  const gone = new AbortController();
  const lines: string[] = [];
  return {
    lines,
    signal: gone.signal,
    async write(line: string) {
      const { type, object } = JSON.parse(line);
      lines.push(`${type} ${object.metadata.name ?? object.code ?? JSON.stringify(object.metadata.annotations ?? {})}`);
      if (lines.length === enough) gone.abort();
    },
  };
}

const everything: WatchQuery = {
  matches: () => true,
  resourceVersion: '',
  allowWatchBookmarks: true,
  sendInitialEvents: false,
  timeoutMs: 60_000,
};

describe('streamWatch()', () => {
  /** Feeds one watch of nodes to a reader while `during` writes. */
  async function watch(store: ApiStore, enough: number, query: Partial<WatchQuery>, during = () => {}) {
    const sink = reader(enough);
    const resource = store.resources.ofKind('Node');
    const feeding = streamWatch(store, {
      ...{ resource, sink, bookmarkMs: 60_000, nowMs: () => 0 },
      query: { ...everything, ...query },
    });
    during();
    await feeding;
    assert.equal(store.listenerCount, 0, 'nothing is left behind');
    return sink.lines;
  }

  test('streamWatch() ends with 410 for a version that is forgotten, or that never was', async () => {
    const store = newStore(2);
    const nodes = store.resources.ofKind('Node');
    for (const name of ['a', 'b', 'c']) store.create(nodes, { metadata: { name } });
    assert.deepEqual(await watch(store, 9, { resourceVersion: '1000' }), ['ERROR 410']);
    assert.deepEqual(await watch(store, 9, { resourceVersion: '9999' }), ['ERROR 410']);
  });

  test('streamWatch() sends what is there, marks the end of it when asked, then what changes', async () => {
    const store = newStore();
    const nodes = store.resources.ofKind('Node');
    store.create(nodes, { metadata: { name: 'a' } });
    const lines = await watch(store, 4, { sendInitialEvents: true }, () => {
      store.create(store.resources.ofKind('Namespace'), { metadata: { name: 'other' } });
      store.create(nodes, { metadata: { name: 'b' } });
      store.remove(nodes, { name: 'a' });
    });
    const mark = 'BOOKMARK {"k8s.io/initial-events-end":"true"}';
    assert.deepEqual(lines, ['ADDED a', mark, 'ADDED b', 'DELETED a']);
  });

  test('streamWatch() ends in time, with a bookmark that says how far it came', async () => {
    assert.deepEqual(await watch(newStore(), 9, { resourceVersion: '0', timeoutMs: 0 }), ['BOOKMARK {}']);
    const silent = { resourceVersion: '0', timeoutMs: 0, allowWatchBookmarks: false };
    assert.deepEqual(await watch(newStore(), 9, silent), []);
  });

  test('streamWatch() lets a reader go that falls behind the history', async () => {
    const store = newStore(3);
    const nodes = store.resources.ofKind('Node');
    const lines = await watch(store, 9, {}, () => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) store.create(nodes, { metadata: { name } });
    });
    assert.deepEqual(lines, ['ERROR 410']);
  });
});

describe('eventOf()', () => {
  const rows = [
    { was: undefined, is: 'out', event: undefined },
    { was: undefined, is: 'in', event: 'ADDED in' },
    { was: 'out', is: 'out', event: undefined },
    { was: 'out', is: 'in', event: 'ADDED in' },
    { was: 'in', is: 'in', event: 'MODIFIED in' },
    { was: 'in', is: 'out', event: 'DELETED in' },
    { was: 'in', is: undefined, event: 'DELETED in' },
    { was: 'out', is: undefined, event: undefined },
  ];
  for (const { was, is, event } of rows) {
    test(`eventOf() is ${event ?? 'nothing'} for an object that was ${was ?? 'not there'} and is ${is ?? 'gone'}`, () => {
      const object = (label: string, resourceVersion: string) => ({
        ...{ apiVersion: 'v1', kind: 'Node' },
        metadata: { name: 'a', uid: 'u', creationTimestamp: '', resourceVersion, labels: { side: label } },
      });
      const got = eventOf(
        {
          version: 2,
          resource: newStore().resources.ofKind('Node'),
          type: was === undefined ? 'ADDED' : is === undefined ? 'DELETED' : 'MODIFIED',
          object: object(is ?? was ?? '', '2'),
          ...(was === undefined ? {} : { previous: object(was, '1') }),
        },
        ({ metadata }) => metadata.labels?.side === 'in',
      );
      assert.equal(got && `${got.type} ${got.object.metadata.labels?.side}`, event);
      if (got !== undefined) assert.equal(got.object.metadata.resourceVersion, '2');
    });
  }
});
