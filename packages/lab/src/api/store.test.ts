import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Json } from './json.ts';
import { StatusError } from './status.ts';
import { ApiStore } from './store.ts';

function newStore(historySize = 100): ApiStore {
  let uids = 0;
  return new ApiStore({ nowMs: () => 1_000, uid: () => `00000000-${++uids}`, historySize });
}

function refusedWith(code: number): (error: unknown) => boolean {
  return (error) => error instanceof StatusError && error.code === code && error.status.code === code;
}

const store = newStore();
const nodes = store.resources.ofKind('Node');
const namespaces = store.resources.ofKind('Namespace');
const pods = store.resources.ofKind('Pod');
const events = store.resources.ofKind('Event');
const netNamespaces = store.resources.ofKind('NetNamespace');
const node = (name: string, rest: object = {}): Json => ({ metadata: { name }, ...rest });
/** Resources are values of the table that made them; each store here has its own. */
const fresh = (historySize?: number) => {
  const own = newStore(historySize);
  return { own, nodes: own.resources.ofKind('Node'), namespaces: own.resources.ofKind('Namespace') };
};

describe('ApiStore.create()', () => {
  // biome-ignore format: one body per line
  const refused: readonly [what: string, body: Json | undefined, code: number][] = [
    ['no body', undefined, 400], ['a text', 'node', 400], ['metadata that is none', { metadata: [] }, 400],
    ['another kind', { kind: 'Pod', metadata: { name: 'a' } }, 400],
    ['another version', { apiVersion: 'v2', metadata: { name: 'a' } }, 400],
    ['a namespace where there is none', { metadata: { name: 'a', namespace: 'b' } }, 400],
    ['a version', { metadata: { name: 'a', resourceVersion: '5' } }, 400],
    ['labels that are no strings', { metadata: { name: 'a', labels: { a: 1 } } }, 400],
    ['no name', { metadata: {} }, 422], ['an upper-case name', node('A'), 422], ['a name with a slash', node('a/b'), 422],
    ['a name that is too long', node('a'.repeat(254)), 422],
  ];
  for (const [what, body, code] of refused) {
    test(`ApiStore.create() answers ${code} to ${what}, and stays as it was`, () => {
      const before = store.version;
      assert.throws(() => store.create(nodes, body), refusedWith(code));
      assert.equal(store.version, before);
    });
  }

  test('ApiStore.create() takes nothing for a namespace that is not there', () => {
    const body = { metadata: { name: 'p' }, spec: { containers: [] } };
    assert.throws(() => store.create(pods, body, { namespace: 'absent' }), refusedWith(404));
  });

  test('ApiStore.create() ignores metadata that is the server’s, and begins a pod as Pending', () => {
    const { own } = fresh();
    const body = {
      metadata: { name: 'p', uid: 'mine', creationTimestamp: 'then' },
      spec: {},
      status: { phase: 'Running' },
    };
    const pod = own.create(own.resources.ofKind('Pod'), body, { namespace: 'default' });
    assert.notEqual(pod.metadata.uid, 'mine');
    assert.equal(pod.metadata.creationTimestamp, '1970-01-01T00:00:01Z');
    assert.deepEqual(pod.status, { phase: 'Pending' });
  });

  test('ApiStore.create() gives each change the next version, over all kinds', () => {
    const { own, nodes, namespaces } = fresh();
    const first = own.create(nodes, node('a'));
    const second = own.create(namespaces, node('b'));
    assert.equal(Number(second.metadata.resourceVersion), Number(first.metadata.resourceVersion) + 1);
    assert.equal(own.version, Number(second.metadata.resourceVersion));
  });
});

describe('ApiStore.update()', () => {
  test('ApiStore.update() answers 409 to a stale version and lets one of two writers win', () => {
    const { own, nodes } = fresh();
    const seen = own.create(nodes, node('a'));
    own.update(nodes, { name: 'a' }, { ...seen, spec: { unschedulable: true } });
    assert.throws(() => own.update(nodes, { name: 'a' }, { ...seen, spec: {} }), refusedWith(409));
    assert.deepEqual(own.get(nodes, { name: 'a' }).spec, { unschedulable: true });
  });

  test('ApiStore.update() makes no version when nothing changed', () => {
    const { own, nodes } = fresh();
    const seen = own.create(nodes, node('a'));
    const before = own.version;
    assert.equal(own.update(nodes, { name: 'a' }, structuredClone(seen)), seen);
    assert.equal(own.version, before);
  });

  test('ApiStore.update() answers 422 when a custom resource comes without its version', () => {
    store.create(netNamespaces, node('blind'));
    assert.throws(() => store.update(netNamespaces, { name: 'blind' }, node('blind', { netid: 1 })), refusedWith(422));
  });
});

describe('ApiStore.remove()', () => {
  test('ApiStore.remove() empties a namespace before it goes', () => {
    const { own, namespaces } = fresh();
    own.create(namespaces, node('ns'));
    own.create(namespaces, node('ns2'));
    const ownEvents = own.resources.ofKind('Event');
    for (const namespace of ['ns', 'ns2']) own.create(ownEvents, node('e'), { namespace });
    const before = own.version;
    own.remove(namespaces, { name: 'ns' });
    const removed = [1, 2].map((i) => own.history.at(before + i));
    assert.deepEqual(
      removed.map((change) => [change?.type, change?.resource.kind]),
      [
        ['DELETED', 'Event'],
        ['DELETED', 'Namespace'],
      ],
    );
    assert.deepEqual(
      own.list(ownEvents).items.map((item) => item.metadata.namespace),
      ['ns2'],
    );
  });

  test('ApiStore.remove() answers 409 to another uid or version and 403 for the default namespace', () => {
    const { own, nodes, namespaces } = fresh();
    own.create(nodes, node('a'));
    assert.throws(() => own.remove(nodes, { name: 'a' }, { uid: 'another' }), refusedWith(409));
    assert.throws(() => own.remove(nodes, { name: 'a' }, { resourceVersion: '1' }), refusedWith(409));
    assert.throws(() => own.remove(namespaces, { name: 'default' }), refusedWith(403));
    assert.equal(own.get(nodes, { name: 'a' }).metadata.name, 'a');
  });
});

describe('ApiStore.remove() of a pod that asks for time', () => {
  const own = newStore();
  const resource = own.resources.ofKind('Pod');
  const spec = { nodeName: 'n1', terminationGracePeriodSeconds: 5 };
  const key = (name: string) => ({ namespace: 'default', name });
  const make = (name: string, rest: object) => own.create(resource, node(name, rest), { namespace: 'default' });

  test('ApiStore.remove() marks it with its end, once, and removes it without grace', () => {
    make('slow', { spec });
    const marked = own.remove(resource, key('slow'));
    assert.equal(marked.metadata.deletionTimestamp, '1970-01-01T00:00:06Z');
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 5);
    assert.equal(own.remove(resource, key('slow')), marked);
    const relabelled = own.modify(resource, key('slow'), (before) => {
      const { deletionTimestamp: _, ...metadata } = before.metadata;
      return { ...before, metadata: { ...metadata, labels: { a: 'b' } } };
    });
    assert.equal(relabelled.metadata.deletionTimestamp, '1970-01-01T00:00:06Z');
    own.remove(resource, key('slow'), { graceSeconds: 0 });
    assert.throws(() => own.get(resource, key('slow')), refusedWith(404));
  });

  test('ApiStore.remove() removes at once what has no node, or asks for no time', () => {
    make('unbound', { spec: { terminationGracePeriodSeconds: 5 } });
    make('quick', { spec: { nodeName: 'n1' } });
    for (const name of ['unbound', 'quick']) {
      own.remove(resource, key(name));
      assert.throws(() => own.get(resource, key(name)), refusedWith(404));
    }
  });
});

describe('ApiStore.list()', () => {
  test('ApiStore.list() answers 410 for a page whose list is forgotten, 504 for a version to come', () => {
    const { own, nodes } = fresh(3);
    for (const name of ['a', 'b', 'c']) own.create(nodes, node(name));
    const token = own.list(nodes, { limit: 1 }).continue;
    for (const name of ['d', 'e', 'f', 'g']) own.create(nodes, node(name));
    assert.throws(() => own.list(nodes, { limit: 1, continue: token }), refusedWith(410));
    assert.throws(() => own.list(nodes, { resourceVersion: String(own.version + 1) }), refusedWith(504));
    assert.throws(() => own.list(nodes, { resourceVersion: '1', resourceVersionMatch: 'Exact' }), refusedWith(410));
    assert.throws(() => own.list(nodes, { resourceVersion: 'x' }), refusedWith(400));
    assert.throws(() => own.list(nodes, { resourceVersion: '1', resourceVersionMatch: 'Newer' }), refusedWith(422));
  });

  test('ApiStore.list() lists one namespace, and not those whose names begin alike', () => {
    for (const name of ['team', 'team-a']) {
      store.create(namespaces, node(name));
      store.create(events, node('e'), { namespace: name });
    }
    const items = store.list(events, { namespace: 'team' }).items;
    assert.deepEqual(
      items.map((item) => item.metadata.namespace),
      ['team'],
    );
  });

  test('ApiStore.list() gives pages that together are one state, whatever is written between them', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
    const write = fc.record({ name, what: fc.constantFrom('create', 'update', 'remove') });
    fc.assert(
      fc.property(
        fc.uniqueArray(name),
        fc.array(write, { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        (names, writes, limit) => {
          const { own, nodes } = fresh();
          for (const each of names) own.create(nodes, node(each));
          const whole = own.list(nodes);
          const pending = [...writes];
          const items: unknown[] = [];
          for (let token: string | undefined = '', n = 0; token !== undefined; n++) {
            const page = own.list(nodes, { limit, continue: token });
            assert.equal(page.version, whole.version);
            items.push(...page.items);
            if (page.continue !== undefined) assert.equal(page.remainingItemCount, whole.items.length - items.length);
            token = page.continue;
            for (const next of pending.splice(0, 3)) apply(own, next, n);
          }
          assert.deepEqual(items, whole.items);
        },
      ),
    );
  });
});

/** Writes that do not fit the state are left out. */
function apply(own: ApiStore, { name, what }: { name: string; what: string }, serial: number): void {
  const nodes = own.resources.ofKind('Node');
  const isThere = own.list(nodes).items.some((item) => item.metadata.name === name);
  if (what === 'create' && !isThere) own.create(nodes, node(name));
  if (what === 'remove' && isThere) own.remove(nodes, { name });
  if (what === 'update' && isThere) own.update(nodes, { name }, node(name, { spec: { serial } }));
}
