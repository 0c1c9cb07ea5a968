/** What no real server does on demand: silence, garbage, half messages, refusals. Real ones are in test/integration. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Clock } from '@tenet/std';
import { keepConnected } from './keep-connected.ts';
import { checkedResults, connectOvsdb } from './ovsdb-client.ts';
import { unixctl } from './unixctl.ts';

/** A server that answers each request by `answer`: text to send back, or a deed to do to the socket. */
async function fakeServer(answer: (request: { method: string; id: unknown }, socket: Socket) => string | undefined) {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await mkdtempDisposable(join(tmpdir(), 'tenet-fake-')));
  const path = join(directory.path, 'db.sock');
  const sockets = new Set<Socket>();
  const received: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => {}));
    socket.setEncoding('utf8').on('data', (text: string) => {
      received.push(text);
      const reply = answer(JSON.parse(text), socket);
      if (reply !== undefined) socket.write(reply);
    });
  });
  server.listen(path);
  await once(server, 'listening');
  undo.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const owned = undo.move();
  return { path, sockets, received, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe('connectOvsdb()', () => {
  test('connectOvsdb() says which socket it cannot reach', async () => {
    await assert.rejects(connectOvsdb({ path: '/nowhere/db.sock' }), {
      code: 'SOCKET_UNREACHABLE',
      facts: { path: '/nowhere/db.sock' },
    });
    await assert.rejects(connectOvsdb({ path: '/nowhere/db.sock', signal: AbortSignal.abort(new Error('stop')) }), {
      message: 'stop',
    });
  });

  // biome-ignore format: one row per line
  const ENDS = [
    { when: 'answered with garbage',               reply: 'HTTP/1.1 400 Bad Request',       code: 'JSON_STREAM_MALFORMED' },
    { when: 'answered with an array',              reply: '[]',                             code: 'RPC_MALFORMED' },
    { when: 'answered without result or error',    reply: '{"id":1}',                       code: 'RPC_MALFORMED' },
    { when: 'sent a request without params',       reply: '{"method":"echo","id":1}',       code: 'RPC_MALFORMED' },
    { when: 'refused by an object',                reply: '{"id":1,"result":null,"error":{"error":"not supported","details":"d"}}', code: 'REQUEST_REFUSED' },
    { when: 'refused by a string',                 reply: '{"id":1,"result":null,"error":"no"}', code: 'REQUEST_REFUSED' },
    { when: 'answered with another type',          reply: '{"id":1,"result":{},"error":null}', code: 'RPC_MALFORMED' },
    { when: 'answered by half a message',          reply: '{"id":1,"resu',                  code: 'REQUEST_TIMED_OUT' },
    { when: 'answered under another id',           reply: '{"id":99,"result":[],"error":null}', code: 'REQUEST_TIMED_OUT' },
  ];
  for (const { when, reply, code } of ENDS)
    test(`listDbs() rejects with ${code} when ${when}`, async () => {
      await using server = await fakeServer(() => reply);
      await using client = await connectOvsdb({ path: server.path });
      await assert.rejects(client.listDbs({ deadlineMs: 50 }), { code });
    });

  test('listDbs() rejects with the half message when the peer ends within one, and closed tells the same', async () => {
    await using server = await fakeServer((_request, socket) => void socket.end('{"id":1,'));
    await using client = await connectOvsdb({ path: server.path });
    await assert.rejects(client.listDbs(), {
      code: 'SESSION_CLOSED',
      facts: { path: server.path, by: 'peer', halfMessageBytes: 8 },
    });
    assert.equal((await client.closed).code, 'SESSION_CLOSED');
    await assert.rejects(client.listDbs(), { code: 'SESSION_CLOSED' });
  });

  test('closed resolves with PEER_SILENT when not even an echo is answered', async () => {
    await using server = await fakeServer(() => undefined);
    await using client = await connectOvsdb({ path: server.path, idleMs: 20 });
    assert.equal((await client.closed).code, 'PEER_SILENT');
    assert.deepEqual(server.received, ['{"method":"echo","params":[],"id":"echo"}']);
  });

  test('the connection stays when a quiet peer answers echoes', async () => {
    const answers = Promise.withResolvers<void>();
    let echoes = 0;
    await using server = await fakeServer(({ method, id }) => {
      assert.equal(method, 'echo');
      echoes += 1;
      if (echoes === 3) answers.resolve();
      return JSON.stringify({ id, result: [], error: null });
    });
    await using client = await connectOvsdb({ path: server.path, idleMs: 10 });
    await Promise.race([answers.promise, client.closed.then((reason) => Promise.reject(reason))]);
    assert.ok(echoes >= 3);
  });

  test('the client answers the echo of the server, and refuses other requests', async () => {
    const replies: string[] = [];
    const both = Promise.withResolvers<void>();
    await using server = await fakeServer(({ method }, socket) => {
      replies.push(socket.readableLength === 0 ? method : '');
      if (method === 'list_dbs') return '{"method":"echo","params":["hi"],"id":"e"}';
      if (server.received.length === 2) return '{"method":"steal","params":[],"id":"s"}';
      both.resolve();
      return undefined;
    });
    await using client = await connectOvsdb({ path: server.path });
    const listing = client.listDbs();
    listing.catch(() => {});
    await both.promise;
    assert.deepEqual(server.received.slice(1), [
      '{"result":["hi"],"error":null,"id":"e"}',
      '{"result":null,"error":"unknown method","id":"s"}',
    ]);
  });

  test('transact() cancels in the server what nobody waits for any more', async () => {
    const cancelled = Promise.withResolvers<void>();
    await using server = await fakeServer(({ method }) => (method === 'cancel' ? void cancelled.resolve() : undefined));
    await using client = await connectOvsdb({ path: server.path });
    await assert.rejects(client.transact('db', [], { deadlineMs: 5 }), { code: 'REQUEST_TIMED_OUT' });
    await cancelled.promise;
    assert.equal(server.received[1], '{"method":"cancel","params":[1],"id":null}');
  });

  test('monitor() gives updates in order though they share a chunk with its answer', async () => {
    const update = (value: number) => JSON.stringify({ method: 'update', params: ['monitor 1', { value }], id: null });
    await using server = await fakeServer(
      ({ id }) => JSON.stringify({ id, result: { value: 0 }, error: null }) + update(1) + update(2),
    );
    await using client = await connectOvsdb({ path: server.path });
    const seen: unknown[] = [];
    await client.monitor('db', {}, (updates, isFirst) => seen.push([updates, isFirst]));
    assert.deepEqual(seen, [
      [{ value: 0 }, true],
      [{ value: 1 }, false],
      [{ value: 2 }, false],
    ]);
  });

  test('closed resolves when the signal aborts and when a monitor cannot be followed', async () => {
    await using server = await fakeServer(({ id }) => JSON.stringify({ id, result: {}, error: null }));
    const controller = new AbortController();
    await using aborted = await connectOvsdb({ path: server.path, signal: controller.signal });
    controller.abort();
    assert.deepEqual((await aborted.closed).facts.by, 'us');
    await using client = await connectOvsdb({ path: server.path });
    await client.monitor('db', {}, (_updates, isFirst) => assert.ok(isFirst));
    for (const socket of server.sockets) socket.write('{"method":"update","params":["monitor 1",{}],"id":null}');
    assert.equal((await client.closed).code, 'RPC_MALFORMED');
  });
});

describe('checkedResults()', () => {
  const operations = [
    { op: 'comment', comment: 'a' },
    { op: 'delete', table: 'Port', where: [] },
  ] as const;
  // RFC 7047 §4.1.3
  // biome-ignore format: one row per line
  const FAILED = [
    { results: [{ error: 'aborted' }, null],                               operation: 'comment',     at: 0 },
    { results: [{}, { error: 'timed out', details: 'd' }],                 operation: 'delete Port', at: 1 },
    { results: [{}, { count: 1 }, { error: 'constraint violation' }],      operation: 'commit',      at: 2 },
  ];
  for (const { results, operation, at } of FAILED)
    test(`checkedResults() names ${operation} when that failed`, () => {
      assert.throws(
        () => checkedResults('db', operations, results),
        (error: { code: string; facts: object }) => {
          assert.equal(error.code, 'OPERATION_FAILED');
          assert.partialDeepStrictEqual(error.facts, { operation, at });
          return true;
        },
      );
    });

  test('checkedResults() knows no answer in too few, too many or misshapen results', () => {
    for (const results of [
      [],
      [{}],
      [{}, null],
      [{}, {}, {}],
      [{}, { count: 'x' }],
      [{}, { rows: [1] }],
      [{}, { uuid: 'x' }],
    ])
      assert.equal(checkedResults('db', operations, results), undefined);
    assert.deepEqual(checkedResults('db', operations, [{}, { count: 1 }]), [{}, { count: 1 }]);
  });
});

describe('keepConnected()', () => {
  test('keepConnected() backs off while it cannot connect, and rejects those who wait with the last failure', async () => {
    const slept: number[] = [];
    const enough = Promise.withResolvers<void>();
    const clock: Clock = {
      nowMs: () => 0,
      async sleep(ms, signal) {
        slept.push(ms);
        if (slept.length < 4) return;
        enough.resolve();
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    await using kept = keepConnected({
      path: '/nowhere/db.sock',
      clock,
      random: () => 1,
      backoff: { firstMs: 10, maxMs: 50 },
    });
    await enough.promise;
    assert.deepEqual(slept, [10, 20, 40, 50]);
    assert.equal(kept.client, undefined);
    await assert.rejects(kept.connected({ deadlineMs: 1 }), { code: 'SOCKET_UNREACHABLE' });
  });

  test('keepConnected() asks often while nobody listens, and less and less often who accepts and drops', async () => {
    await using undo = new AsyncDisposableStack();
    const directory = undo.use(await mkdtempDisposable(join(tmpdir(), 'tenet-fake-')));
    const path = join(directory.path, 'db.sock');
    const dropping = createServer((socket) => socket.destroy());
    const slept: number[] = [];
    const enough = Promise.withResolvers<void>();
    const clock: Clock = {
      nowMs: () => 0,
      async sleep(ms, signal) {
        slept.push(ms);
        if (slept.length === 5) await new Promise<void>((resolve) => dropping.listen(path, resolve));
        if (slept.length === 14) await new Promise((resolve) => dropping.close(resolve));
        if (slept.length < 17) return;
        enough.resolve();
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    await using _kept = keepConnected({
      ...{ path, clock, random: () => 1 },
      async onConnected(client) {
        await client.listDbs();
      },
    });
    await enough.promise;
    assert.deepEqual(slept.slice(0, 5), [50, 100, 150, 150, 150]);
    assert.deepEqual(slept.slice(5, 14), [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert.deepEqual(slept.slice(14), [50, 100, 150]);
  });

  test('keepConnected() connects again when the peer goes, and readies each connection first', async () => {
    const clock: Clock = { nowMs: () => 0, sleep: async () => {} };
    await using server = await fakeServer(({ id }) => JSON.stringify({ id, result: ['db'], error: null }));
    let readied = 0;
    await using kept = keepConnected({
      path: server.path,
      clock,
      random: () => 0,
      async onConnected(client) {
        readied += 1;
        assert.deepEqual(await client.listDbs(), ['db']);
        // The second connection is not fit for use; the third is.
        if (readied === 2) throw new Error('not ready');
      },
    });
    const first = await kept.connected();
    for (const socket of server.sockets) socket.destroy();
    await first.closed;
    const second = await kept.connected();
    assert.notEqual(second, first);
    assert.equal(kept.client, second);
    assert.equal(readied, 3);
  });
});

describe('unixctl()', () => {
  test('unixctl() rejects when the answer is an error, no text, or does not come', async () => {
    const replies: Readonly<Record<string, string | undefined>> = {
      bad: '{"id":1,"result":null,"error":"\\"bad\\" is not a valid command\\n"}',
      number: '{"id":1,"result":1,"error":null}',
      good: '{"id":1,"result":"fine\\n","error":null}',
    };
    await using server = await fakeServer(({ method }) => replies[method]);
    await assert.rejects(unixctl(server.path, 'bad'), {
      code: 'UNIXCTL_FAILED',
      message: 'ovs-appctl bad failed: "bad" is not a valid command',
    });
    await assert.rejects(unixctl(server.path, 'number'), { code: 'RPC_MALFORMED' });
    await assert.rejects(unixctl(server.path, 'silent', [], { deadlineMs: 5 }), { code: 'REQUEST_TIMED_OUT' });
    assert.equal(await unixctl(server.path, 'good', ['x']), 'fine\n');
    assert.equal(server.received.at(-1), '{"method":"good","params":["x"],"id":1}');
  });
});
