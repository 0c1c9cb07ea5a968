/** The sockets of the lab's API server: several at once, given by descriptor, and readers that do not read. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { listenTcp } from '@tenet/host';
import { ApiStore, startApiServer } from '@tenet/lab';
import { Ip, SILENT } from '@tenet/std';

const LOCAL = { host: '127.0.0.1', port: 0 };
const DEADLINE_MS = 10_000;
const newStore = () => new ApiStore({ nowMs: Date.now, uid: randomUUID });

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const endMs = Date.now() + DEADLINE_MS;
  while (!isTrue()) {
    if (Date.now() > endMs) assert.fail(`it did not happen within ${DEADLINE_MS} ms: ${what}`);
    await pause(5);
  }
}

test('startApiServer() rejects an address that is taken, and leaves nothing open', async () => {
  await using first = await startApiServer({ listeners: [LOCAL], store: newStore(), log: SILENT });
  const taken = { host: '127.0.0.1', port: first.listeners[0]?.port ?? 0 };
  const starting = startApiServer({ listeners: [LOCAL, taken], store: newStore(), log: SILENT });
  await assert.rejects(starting, { code: 'EADDRINUSE' });
});

test('startApiServer() answers 413 to a body that etcd would not hold', async () => {
  await using server = await startApiServer({ listeners: [LOCAL], store: newStore(), log: SILENT });
  const body = JSON.stringify({ metadata: { name: 'a', annotations: { a: 'x'.repeat(3 * 2 ** 20) } } });
  const answer = await fetch(`${server.listeners[0]?.url}/api/v1/nodes`, { method: 'POST', body });
  assert.equal(answer.status, 413);
  const status = (await answer.json()) as { kind: string; reason: string };
  assert.deepEqual([status.kind, status.reason], ['Status', 'RequestEntityTooLarge']);
});

test('startApiServer() serves one store on each of its sockets, a descriptor and one that is added later too', async () => {
  const fd = listenTcp({ address: Ip.parse('127.0.0.1'), port: 0 });
  const store = newStore();
  await using server = await startApiServer({ listeners: [{ fd }, LOCAL], store, log: SILENT });
  assert.equal(server.listeners[0]?.host, '127.0.0.1');
  const added = await server.listen(LOCAL);
  assert.equal(server.listeners.length, 3);
  store.create(store.resources.ofKind('Node'), { metadata: { name: 'n1' } });
  for (const { url } of server.listeners) {
    assert.equal((await fetch(`${url}/api/v1/nodes/n1`)).status, 200);
  }
  await added[Symbol.asyncDispose]();
  await assert.rejects(fetch(`${added.url}/healthz`));
  assert.equal(server.listeners.length, 2);
  assert.equal(await (await fetch(`${server.listeners[0]?.url}/healthz`)).text(), 'ok');
});

test('startApiServer() cuts a watch whose reader does not read, and forgets one that went away', async () => {
  const store = newStore();
  await using server = await startApiServer({ listeners: [LOCAL], store, log: SILENT, stallMs: 100 });
  const watch = 'GET /api/v1/nodes?watch=true HTTP/1.1\r\nhost: api\r\n\r\n';
  const [slow, leaving] = [connect(server.listeners[0]?.port ?? 0), connect(server.listeners[0]?.port ?? 0)];
  // Not read from: what is sent to it stays in the buffers of the kernel.
  slow.pause();
  slow.on('error', () => {});
  for (const socket of [slow, leaving]) socket.write(watch);
  await until('both are fed', () => server.watchCount === 2);
  leaving.destroy();
  await until('the one that went is forgotten', () => server.watchCount === 1);
  const nodes = store.resources.ofKind('Node');
  const annotations = { weight: 'x'.repeat(2 ** 20) };
  for (let i = 0; i < 40; i++) store.create(nodes, { metadata: { name: `n${i}`, annotations } });
  await until('the one that does not read is cut', () => server.watchCount === 0);
  assert.equal(store.listenerCount, 0);
  slow.destroy();
});

/** A Service, or the Status of a refusal. */
interface Answer {
  readonly kind: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes: readonly object[] };
  readonly spec?: { readonly clusterIP?: string; readonly clusterIPs?: string[]; readonly ports?: object[] };
  readonly status?: object;
}

test('startApiServer() takes services as kube-apiserver does, and says what is wrong with one in its words', async () => {
  await using server = await startApiServer({ listeners: [LOCAL], store: newStore(), log: SILENT });
  const services = `${server.listeners[0]?.url}/api/v1/namespaces/default/services`;
  const send = async (method: string, path: string, body: object, type = 'application/json') => {
    const headers = { 'content-type': type };
    const answer = await fetch(`${services}${path}`, { method, headers, body: JSON.stringify(body) });
    return { code: answer.status, body: (await answer.json()) as Answer };
  };
  const web = { metadata: { name: 'web' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] } };
  const made = await send('POST', '', web);
  assert.equal(made.code, 201);
  const { clusterIP, clusterIPs, ports } = made.body.spec as {
    clusterIP: string;
    clusterIPs: string[];
    ports: object[];
  };
  assert.match(clusterIP ?? '', /^172\.30\.\d+\.\d+$/);
  assert.deepEqual(
    [clusterIPs, ports],
    [[clusterIP], [{ port: 80, nodePort: 30_080, protocol: 'TCP', targetPort: 80 }]],
  );

  const again = await send('POST', '', { ...web, metadata: { name: 'second' } });
  assert.deepEqual([again.code, again.body.kind, again.body.reason], [422, 'Status', 'Invalid']);
  assert.equal(
    again.body.message,
    'Service "second" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
  );
  const merge = 'application/merge-patch+json';
  const moved = await send('PATCH', '/web', { spec: { clusterIP: '172.30.9.9', clusterIPs: ['172.30.9.9'] } }, merge);
  assert.deepEqual(
    [moved.code, moved.body.details?.causes],
    [
      422,
      [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: ["172.30.9.9"]: may not change once set',
          field: 'spec.clusterIPs[0]',
        },
      ],
    ],
  );
  const published = { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } };
  assert.deepEqual((await send('PATCH', '/web/status', { status: published }, merge)).body.status, published);

  assert.equal((await fetch(`${services}/web`, { method: 'DELETE' })).status, 200);
  assert.equal((await send('POST', '', { ...web, metadata: { name: 'second' } })).code, 201);
});
