import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { Ip } from '@tenet/std';
import { type Client, NodePortals } from './node-portals.ts';
import type { HeldClient } from './portal-socket.ts';

const HERE = Ip.parse('127.0.0.1');

/** More than the kernel keeps for two connections. */
const MUCH_BYTES = 32 * 2 ** 20;

const SERVICE = { address: Ip.parse('172.30.0.10'), port: 80 };
const FOREIGN = { address: Ip.parse('172.30.0.11'), port: 80 };

/** A portal of SERVICE on the loopback, whose clients are written down; all have asked for one address. */
function portal(t: TestContext, { to = SERVICE }: { readonly to?: typeof SERVICE | undefined } = {}) {
  const asked: Client[] = [];
  const portals = new NodePortals({
    address: HERE,
    askedFor(client) {
      asked.push(client);
      return to;
    },
  });
  const clients: HeldClient[] = [];
  const datagrams: boolean[] = [];
  const heard = Promise.withResolvers<HeldClient>();
  const listener = {
    isServedAt: (address: Ip, port: number) => address.equals(SERVICE.address) && port === SERVICE.port,
    onClient(client: HeldClient) {
      clients.push(client);
      heard.resolve(client);
    },
    onDatagram: (led: () => boolean) => void datagrams.push(led()),
  };
  const open = (protocol: 'tcp' | 'udp') => {
    const socket = portals.open(protocol, listener);
    t.after(() => socket[Symbol.dispose]());
    return socket;
  };
  t.after(() => portals[Symbol.dispose]());
  return { portals, open, clients, datagrams, asked, first: heard.promise };
}

/** A server on the loopback; `accepted` is its first connection. */
async function endpoint(t: TestContext) {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    accepted.resolve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { at: { ip: HERE, port: (server.address() as AddressInfo).port }, accepted: accepted.promise };
}

function dial(t: TestContext, port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  t.after(() => socket.destroy());
  return socket;
}

/** The code of the error that ends it. */
async function errorOf(socket: Socket): Promise<unknown> {
  const [error] = await once(socket, 'error');
  return error.code;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

describe('NodePortals', { timeout: 20_000 }, () => {
  test("resets a client that another service's rules led to the portal, and tells nobody of it", async (t) => {
    const { open, clients, asked } = portal(t, { to: FOREIGN });
    const { port } = open('tcp');
    const socket = dial(t, port);
    assert.equal(await errorOf(socket), 'ECONNRESET');
    assert.deepEqual(clients, []);
    assert.deepEqual(
      asked.map(({ protocol, address, portal: { address: at, port: of } }) => [protocol, `${address}`, `${at}`, of]),
      [['tcp', '127.0.0.1', '127.0.0.1', port]],
    );
  });

  test('holds a client with what it says first, and with its end, until it is joined; answers go back', async (t) => {
    const { open, first } = portal(t);
    const { at, accepted } = await endpoint(t);
    const socket = dial(t, open('tcp').port);
    socket.end('GET / ');
    const client = await first;
    assert.equal(client.address, '127.0.0.1');
    assert.equal(await client.joinTo(at, 1000), true);
    const served = await accepted;
    assert.equal(await textOf(served), 'GET / ');
    served.end('200 OK');
    assert.equal(await textOf(socket), '200 OK');
  });

  test('lets the endpoint end its direction first', async (t) => {
    const { open, first } = portal(t);
    const { at, accepted } = await endpoint(t);
    const socket = dial(t, open('tcp').port);
    await (await first).joinTo(at, 1000);
    const served = await accepted;
    served.end('hello');
    assert.equal(await textOf(socket), 'hello');
    socket.end('and bye');
    assert.equal(await textOf(served), 'and bye');
  });

  test('takes no more from one end than the other takes', async (t) => {
    const { open, first } = portal(t);
    const { at, accepted } = await endpoint(t);
    const socket = dial(t, open('tcp').port);
    await (await first).joinTo(at, 1000);
    const served = await accepted;
    served.pause();
    let flushed = 0;
    const chunk = new Uint8Array(2 ** 20);
    for (let sent = 0; sent < MUCH_BYTES; sent += chunk.length) socket.write(chunk, () => void flushed++);
    for (let [before, turns] = [-1, 0]; turns < 200; turns = flushed === before ? turns + 1 : 0) {
      before = flushed;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(flushed * chunk.length < MUCH_BYTES / 2, `${flushed} MiB were taken of ${MUCH_BYTES / 2 ** 20}`);
    let received = 0;
    served.on('data', (bytes) => {
      received += bytes.length;
    });
    socket.end();
    served.resume();
    await once(served, 'end');
    assert.equal(received, MUCH_BYTES);
  });

  for (const who of ['client', 'endpoint'] as const)
    test(`resets one end when the ${who} breaks the connection`, async (t) => {
      const { open, first } = portal(t);
      const { at, accepted } = await endpoint(t);
      const socket = dial(t, open('tcp').port);
      await (await first).joinTo(at, 1000);
      const served = await accepted;
      const [breaks, feels] = who === 'client' ? [socket, served] : [served, socket];
      feels.resume();
      const error = errorOf(feels);
      breaks.resetAndDestroy();
      assert.equal(await error, 'ECONNRESET');
    });

  test('tells of a held client that resets its connection', async (t) => {
    const { open, first } = portal(t);
    const socket = dial(t, open('tcp').port);
    const client = await first;
    const gone = new Promise<void>((resolve) => client.onGone(resolve));
    socket.resetAndDestroy();
    await gone;
    const { at } = await endpoint(t);
    assert.equal(await client.joinTo(at, 1000), false);
  });

  test('keeps a client whose endpoint refuses, or is silent, for another', async (t) => {
    const { open, first } = portal(t);
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    const socket = dial(t, open('tcp').port);
    const client = await first;
    assert.equal(await client.joinTo({ ip: HERE, port }, 1000), false);
    // Nobody answers for TEST-NET-1 (RFC 5737); where there is no way there at all it is refused.
    assert.equal(await client.joinTo({ ip: Ip.parse('192.0.2.1'), port: 80 }, 100), false);
    const { at, accepted } = await endpoint(t);
    assert.equal(await client.joinTo(at, 1000), true);
    socket.end('still here');
    assert.equal(await textOf(await accepted), 'still here');
  });

  test('resets a held client that is let go', async (t) => {
    const { open, first } = portal(t);
    const socket = dial(t, open('tcp').port);
    const error = errorOf(socket);
    (await first).reset();
    assert.equal(await error, 'ECONNRESET');
  });

  test('refuses who comes after the portal was closed, and keeps who was joined', async (t) => {
    const { open, first } = portal(t);
    const { at, accepted } = await endpoint(t);
    const socket = open('tcp');
    const joined = dial(t, socket.port);
    await (await first).joinTo(at, 1000);
    socket[Symbol.dispose]();
    assert.equal(await errorOf(dial(t, socket.port)), 'ECONNREFUSED');
    joined.end('on');
    assert.equal(await textOf(await accepted), 'on');
  });

  test('resets all connections at its end, joined and held', async (t) => {
    const { portals, open, first, clients } = portal(t);
    const { at } = await endpoint(t);
    const { port } = open('tcp');
    const joined = dial(t, port);
    await (await first).joinTo(at, 1000);
    const held = dial(t, port);
    await once(held, 'connect');
    while (clients.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const errors = Promise.all([errorOf(joined), errorOf(held)]);
    portals[Symbol.dispose]();
    assert.deepEqual(await errors, ['ECONNRESET', 'ECONNRESET']);
  });

  for (const [to, isLed] of [
    [FOREIGN, false],
    [SERVICE, true],
  ] as const)
    test(`hears a datagram, and knows whether it was for the service: ${isLed}`, async (t) => {
      const { open, datagrams, asked } = portal(t, { to });
      const { port } = open('udp');
      const sender = createSocket('udp4');
      t.after(() => sender.close());
      sender.send('hello', port, '127.0.0.1');
      while (datagrams.length === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(datagrams, [isLed]);
      assert.deepEqual(
        asked.map(({ protocol, port: from }) => [protocol, from]),
        [['udp', sender.address().port]],
      );
    });
});
