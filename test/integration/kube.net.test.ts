/** The client and its reflector against the lab's API server, over real HTTP. Needs neither root nor Open vSwitch. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type KubeClient, openKubeClient, type WatchCache, watchKind } from '@tenet/kube';
import { ApiStore, startApiServer } from '@tenet/lab';
import type { NetNamespaceObject } from '@tenet/model';
import { type Clock, isTenetError, type Logger, SILENT } from '@tenet/std';
import { STORIES } from './kube-conformance.ts';
import { playStory, type Send } from './play-story.ts';

const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => await pause(ms, undefined, signal === undefined ? {} : { signal }),
};
const LOCAL = { host: '127.0.0.1', port: 0 };
const DEADLINE_MS = 10_000;

const newStore = (historySize = 20_000) => new ApiStore({ nowMs: Date.now, uid: randomUUID, historySize });
const netNamespace = (name: string, netid = 7): NetNamespaceObject => ({ metadata: { name }, netname: name, netid });

/** Waits for a condition, not for a time. */
async function until(what: string, isTrue: () => boolean): Promise<void> {
  const endMs = Date.now() + DEADLINE_MS;
  while (!isTrue()) {
    if (Date.now() > endMs) assert.fail(`it did not happen within ${DEADLINE_MS} ms: ${what}`);
    await pause(5);
  }
}

/** A client of this address, by way of a kubeconfig file. */
async function clientOf(server: string, deadlineMs = DEADLINE_MS): Promise<KubeClient> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-kube-'));
  const kubeconfig = join(directory.path, 'config');
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: {} }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  return await openKubeClient({ kubeconfig, deadlineMs, userAgent: 'tenet-test' });
}

/** A relay in front of the API server whose connections can be broken, and that can be closed and opened again. */
async function breakableRelay(to: () => number) {
  const sockets = new Set<Socket>();
  /** Bytes that still go through to the reader before everything is cut. */
  let cutAfterBytes = Number.POSITIVE_INFINITY;
  const relay = createTcpServer((near) => {
    const far = connect(to(), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      near.write(chunk.subarray(0, cutAfterBytes));
      cutAfterBytes -= chunk.length;
      if (cutAfterBytes < 0) near.end(() => near.destroy());
    });
  });
  relay.listen(LOCAL);
  await once(relay, 'listening');
  const { port } = relay.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    breakAll() {
      for (const socket of sockets) socket.destroy();
    },
    cutAfter(bytes: number) {
      cutAfterBytes = bytes;
    },
    heal() {
      cutAfterBytes = Number.POSITIVE_INFINITY;
    },
    async [Symbol.asyncDispose]() {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Watching extends AsyncDisposable {
  readonly cache: WatchCache<number>;
  /** Every key that was told, in order. */
  readonly told: string[];
  readonly lines: string[];
  /** How often it waited before another try. */
  pauses(): number;
}

/** A reflector of NetNamespaces that keeps their netid, and all that it told. */
function watching(
  client: KubeClient,
  options: { limit?: number; silenceMs?: number; watchMs?: number } = {},
): Watching {
  const end = new AbortController();
  const lines: string[] = [];
  const add = (phrase: string) => void lines.push(phrase);
  const log: Logger = { debug: add, info: add, warn: add, error: add };
  const project = (object: NetNamespaceObject) => object.netid;
  let pauses = 0;
  const settings = {
    // Retries after 0.25 s, 0.5 s…
    random: () => 0,
    clock: {
      ...clock,
      async sleep(ms: number, signal?: AbortSignal): Promise<void> {
        // The other sleeper is the watchdog, which sleeps as long as silence lasts.
        if (ms <= 30_000 && ms !== options.silenceMs) pauses++;
        await clock.sleep(ms, signal);
      },
    },
    ...options,
  };
  const cache = watchKind(client, 'NetNamespace', { project, log, signal: end.signal, ...settings });
  const told: string[] = [];
  cache.onChange((changed) => told.push(...changed));
  return {
    cache,
    told,
    lines,
    pauses: () => pauses,
    async [Symbol.asyncDispose]() {
      end.abort();
      await cache.ended;
    },
  };
}

describe('protocol conformance', () => {
  for (const story of STORIES) {
    test(story.name, async () => {
      await using server = await startApiServer({ listeners: [LOCAL], store: newStore(), log: SILENT });
      const base = server.listeners[0]?.url ?? '';
      const send: Send = async ({ method, path, body, contentType }) => {
        const headers = { 'content-type': contentType };
        const answer = await fetch(base + path, { method, headers, ...(body === undefined ? {} : { body }) });
        return { status: answer.status, text: await answer.text() };
      };
      await playStory(story, send);
    });
  }
});

describe('watchKind() against an API server', () => {
  test('watchKind() lists in pages, then follows adds, changes and deletes', async () => {
    const store = newStore();
    await using server = await startApiServer({ listeners: [LOCAL], store, log: SILENT });
    await using client = await clientOf(server.listeners[0]?.url ?? '');
    for (let i = 0; i < 25; i++) await client.create('NetNamespace', netNamespace(`p${i}`, i));
    await using watch = watching(client, { limit: 10 });
    await watch.cache.synced;
    assert.deepEqual([watch.cache.entries.size, watch.cache.get('p24'), watch.told.length], [25, 24, 25]);

    watch.told.length = 0;
    await client.create('NetNamespace', netNamespace('new', 99));
    await client.patch('NetNamespace', { name: 'p3' }, { netid: 333 });
    assert.equal(await client.delete('NetNamespace', { name: 'p4' }), true);
    await until('the delete is told', () => watch.told.includes('p4'));
    assert.deepEqual(watch.told, ['new', 'p3', 'p4']);
    assert.deepEqual([watch.cache.get('new'), watch.cache.get('p3'), watch.cache.get('p4')], [99, 333, undefined]);
  });

  test('watchKind() misses no delete when it fell behind the history (410)', async () => {
    const store = newStore(20);
    await using server = await startApiServer({ listeners: [LOCAL], store, log: SILENT });
    await using client = await clientOf(server.listeners[0]?.url ?? '');
    await client.create('NetNamespace', netNamespace('goes'));
    await client.create('NetNamespace', netNamespace('stays'));
    await using watch = watching(client);
    await watch.cache.synced;
    await until('the watch is fed', () => server.watchCount === 1);
    watch.told.length = 0;
    // In one tick, so that no event is sent before the history has lost the first of them.
    const resource = store.resources.ofKind('NetNamespace');
    store.remove(resource, { name: 'goes' });
    for (let i = 0; i < 30; i++) store.create(resource, { ...netNamespace(`n${i}`), metadata: { name: `n${i}` } });
    await until('all is known', () => watch.cache.entries.size === 31);
    assert.equal(watch.cache.get('goes'), undefined);
    assert.deepEqual(
      watch.told.filter((key) => key === 'goes' || key === 'stays'),
      ['goes'],
    );
    assert.ok(watch.lines.includes('version is gone'), watch.lines.join());
  });

  test('watchKind() reports what was deleted while the server was down, and logs one line for the outage', async () => {
    const store = newStore();
    await using first = await startApiServer({ listeners: [LOCAL], store, log: SILENT });
    const port = first.listeners[0]?.port ?? 0;
    await using client = await clientOf(`http://127.0.0.1:${port}`);
    const resource = store.resources.ofKind('NetNamespace');
    for (const name of ['a', 'b', 'c']) store.create(resource, { metadata: { name }, netname: name, netid: 1 });
    await using watch = watching(client);
    await watch.cache.synced;
    await until('the watch is fed', () => first.watchCount === 1);
    watch.told.length = 0;
    await first[Symbol.asyncDispose]();
    assert.equal(first.watchCount, 0);
    store.remove(resource, { name: 'b' });
    await until('the outage is noticed', () => watch.lines.includes('cannot reach the API server'));
    assert.equal(watch.cache.get('b'), 1);
    const pauses = watch.pauses();
    await until('it was tried again, in vain', () => watch.pauses() >= pauses + 2);
    await using second = await startApiServer({ listeners: [{ host: '127.0.0.1', port }], store, log: SILENT });
    await until('the delete is told', () => watch.told.includes('b'));
    assert.deepEqual(watch.told, ['b']);
    await until('the watch is fed again', () => second.watchCount === 1);
    const outage = watch.lines.filter((line) => line.includes('API server'));
    assert.deepEqual(outage, ['cannot reach the API server', 'the API server is back']);
  });

  test('watchKind() takes a server that lost its state for what it is', async () => {
    await using first = await startApiServer({ listeners: [LOCAL], store: newStore(), log: SILENT });
    const port = first.listeners[0]?.port ?? 0;
    await using client = await clientOf(`http://127.0.0.1:${port}`);
    await client.create('NetNamespace', netNamespace('old'));
    await using watch = watching(client);
    await watch.cache.synced;
    await first[Symbol.asyncDispose]();
    const store = newStore();
    store.create(store.resources.ofKind('NetNamespace'), { metadata: { name: 'new' }, netname: 'new', netid: 2 });
    await using _second = await startApiServer({ listeners: [{ host: '127.0.0.1', port }], store, log: SILENT });
    await until('the new object is told', () => watch.told.includes('new'));
    assert.deepEqual([...watch.cache.entries], [['new', 2]]);
  });

  test('watchKind() loses nothing when the connection is cut within an event', async () => {
    const store = newStore();
    await using server = await startApiServer({ listeners: [LOCAL], store, log: SILENT });
    await using relay = await breakableRelay(() => server.listeners[0]?.port ?? 0);
    await using client = await clientOf(relay.url);
    await using watch = watching(client);
    await watch.cache.synced;
    await until('the watch is fed', () => server.watchCount === 1);
    relay.cutAfter(40);
    const resource = store.resources.ofKind('NetNamespace');
    store.create(resource, { metadata: { name: 'a' }, netname: 'a', netid: 1 });
    await until('the cut is noticed', () => watch.lines.includes('cannot reach the API server'));
    assert.equal(watch.cache.get('a'), undefined);
    relay.heal();
    await until('the object is known', () => watch.cache.get('a') === 1);
    await until('the dead watch is let go', () => server.watchCount === 1);
    assert.deepEqual(watch.told, ['a']);
  });

  test('watchKind() cuts a watch that fell silent and resumes it without a list', async () => {
    const store = newStore();
    await using server = await startApiServer({ listeners: [LOCAL], store, log: SILENT });
    await using client = await clientOf(server.listeners[0]?.url ?? '');
    await using watch = watching(client, { silenceMs: 50 });
    await watch.cache.synced;
    const silent = () => watch.lines.filter((line) => line === 'watch was silent').length;
    await until('it was cut three times', () => silent() >= 3);
    await client.create('NetNamespace', netNamespace('a', 5));
    await until('the object is known', () => watch.cache.get('a') === 5);
    assert.equal(watch.lines.filter((line) => line === 'listed').length, 1);
  });

  test('watchKind() resumes a watch that the server ended, without a list', async () => {
    const store = newStore();
    await using server = await startApiServer({ listeners: [LOCAL], store, log: SILENT });
    await using client = await clientOf(server.listeners[0]?.url ?? '');
    await using watch = watching(client, { watchMs: 1000 });
    await watch.cache.synced;
    await until('the first watch is fed', () => server.watchCount === 1);
    await until('the first watch has ended', () => server.watchCount === 0);
    await client.create('NetNamespace', netNamespace('a', 5));
    await until('the object is known', () => watch.cache.get('a') === 5);
    assert.equal(watch.lines.filter((line) => line === 'listed').length, 1);
  });

  test('watchKind() rejects synced when it is ended before the first list', async () => {
    await using client = await clientOf('http://127.0.0.1:1');
    const watch = watching(client);
    await until('the outage is noticed', () => watch.lines.length > 0);
    await watch[Symbol.asyncDispose]();
    await assert.rejects(watch.cache.synced, { name: 'AbortError' });
    assert.equal(watch.cache.isSynced, false);
  });
});

describe('openKubeClient() against an API server', () => {
  /** A server that does with a request whatever it is told. */
  async function oddServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    const server = createServer(answer).listen(LOCAL);
    await once(server, 'listening');
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async [Symbol.asyncDispose]() {
        server.close();
        server.closeAllConnections();
      },
    };
  }

  const failures = [
    { name: 'headers that do not come', answer: () => {}, code: 'KUBE_DEADLINE' },
    {
      name: 'a body that does not end',
      answer: (_: IncomingMessage, response: ServerResponse) => response.writeHead(200).write('{"items":'),
      code: 'KUBE_DEADLINE',
    },
    {
      name: 'a connection that is closed',
      answer: (request: IncomingMessage) => request.socket.destroy(),
      code: 'KUBE_UNREACHABLE',
    },
    {
      name: 'a page of HTML',
      answer: (_: IncomingMessage, response: ServerResponse) => response.end('<html>'),
      code: 'KUBE_MALFORMED',
    },
    {
      name: 'a refusal of the credentials',
      answer: (_: IncomingMessage, response: ServerResponse) => response.writeHead(401).end('{}'),
      code: 'KUBE_UNAUTHORIZED',
    },
  ];
  for (const { name, answer, code } of failures) {
    test(`openKubeClient() makes ${code} of ${name}`, async () => {
      await using server = await oddServer((request, response) => void answer(request, response));
      await using client = await clientOf(server.url, 200);
      await assert.rejects(client.list('Pod'), (error) => isTenetError(error, code));
      await assert.rejects(client.get('Pod', { name: 'a', namespace: 'b' }), (error) => isTenetError(error, code));
    });
  }

  test('openKubeClient() makes KUBE_UNREACHABLE of a port that nobody listens on, and names it', async () => {
    await using client = await clientOf('http://127.0.0.1:1');
    await assert.rejects(client.list('Node'), (error) => {
      assert.ok(isTenetError(error, 'KUBE_UNREACHABLE'), String(error));
      assert.match(error.message, /http:\/\/127\.0\.0\.1:1 \(list \/api\/v1\/nodes\?limit=500\): .*ECONNREFUSED/);
      return true;
    });
  });

  test('openKubeClient() makes KUBE_CONFIG_INVALID of a kubeconfig that is not there', async () => {
    const opening = openKubeClient({ kubeconfig: '/nonexistent/kubeconfig' });
    await assert.rejects(opening, (error) => isTenetError(error, 'KUBE_CONFIG_INVALID'));
  });

  test('openKubeClient() types a taken name, a stale version, another uid and a missing object', async () => {
    await using server = await startApiServer({ listeners: [LOCAL], store: newStore(), log: SILENT });
    await using client = await clientOf(server.listeners[0]?.url ?? '');
    const created = await client.create('NetNamespace', netNamespace('a'));
    const again = client.create('NetNamespace', netNamespace('a'));
    await assert.rejects(again, (error) => isTenetError(error, 'KUBE_ALREADY_EXISTS'));
    const updated = await client.update('NetNamespace', { ...created, netid: 8 });
    assert.equal(updated.netid, 8);
    const stale = client.update('NetNamespace', { ...created, netid: 9 });
    await assert.rejects(stale, (error) => isTenetError(error, 'KUBE_CONFLICT'));
    const other = client.delete('NetNamespace', { name: 'a', uid: randomUUID() });
    await assert.rejects(other, (error) => isTenetError(error, 'KUBE_CONFLICT'));
    assert.equal(await client.delete('NetNamespace', { name: 'a', uid: created.metadata.uid ?? '' }), true);
    assert.equal(await client.delete('NetNamespace', { name: 'a' }), false);
    assert.equal(await client.get('NetNamespace', { name: 'a' }), undefined);
    const missing = client.patch('NetNamespace', { name: 'a' }, { netid: 1 });
    await assert.rejects(missing, (error) => isTenetError(error, 'KUBE_NOT_FOUND'));
    const invalid = client.create('NetNamespace', netNamespace('Not_A_Name'));
    await assert.rejects(invalid, (error) => isTenetError(error, 'KUBE_REFUSED'));
  });

  test('openKubeClient() ends what is under way when it is disposed of', async () => {
    await using server = await oddServer(() => {});
    const client = await clientOf(server.url);
    const listing = client.list('Pod');
    await client[Symbol.asyncDispose]();
    await assert.rejects(listing, { name: 'AbortError' });
  });
});
