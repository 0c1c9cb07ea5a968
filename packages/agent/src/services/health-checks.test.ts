import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { HealthCheck } from '@tenet/proxy';
import { type Logger, SILENT } from '@tenet/std';
import { HealthChecks } from './health-checks.ts';

const host = '127.0.0.1';

function health({ log = SILENT, isHealthy = () => true }: { log?: Logger; isHealthy?: () => boolean } = {}) {
  return new HealthChecks({ host, log, isHealthy });
}

const check = (nodePort: number, localEndpoints: number, service = 'web'): HealthCheck => ({
  namespace: 'alpha',
  service,
  nodePort,
  localEndpoints,
});

/** A port that nobody has. */
async function freePort(): Promise<number> {
  using held = await holdPort();
  return held.port;
}

/** Somebody else's socket. */
async function holdPort(): Promise<Disposable & { readonly port: number }> {
  const server = createServer().listen({ host, port: 0 });
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { port: address.port, [Symbol.dispose]: () => void server.close() };
}

interface Answer {
  readonly service: { readonly namespace: string; readonly name: string };
  readonly localEndpoints: number;
  readonly serviceProxyHealthy: boolean;
}

async function ask(port: number, path = '/healthz') {
  const response = await fetch(`http://${host}:${port}${path}`);
  return {
    status: response.status,
    weight: response.headers.get('x-load-balancing-endpoint-weight'),
    body: (await response.json()) as Answer,
  };
}

describe('HealthChecks', () => {
  const ANSWERS = [
    { name: 'no endpoint is here', endpoints: 0, healthy: true, status: 503 },
    { name: 'the node does not forward', endpoints: 2, healthy: false, status: 503 },
    { name: 'endpoints are here', endpoints: 2, healthy: true, status: 200 },
  ];
  for (const { name, endpoints, healthy, status } of ANSWERS) {
    test(`answers ${status} when ${name}, as kube-proxy words it`, async () => {
      await using checks = health({ isHealthy: () => healthy });
      const port = await freePort();
      await checks.keep([check(port, endpoints)]);
      const body = {
        service: { namespace: 'alpha', name: 'web' },
        localEndpoints: endpoints,
        serviceProxyHealthy: healthy,
      };
      assert.deepEqual(await ask(port), { status, weight: String(endpoints), body });
      assert.equal((await ask(port, '/')).status, status);
    });
  }

  test('keep() changes what a port answers without closing it, and closes what is no longer wanted', async () => {
    await using checks = health();
    const [one, two] = [await freePort(), await freePort()];
    await checks.keep([check(one, 1)]);
    await checks.keep([check(one, 0), check(two, 3, 'api')]);
    assert.deepEqual([(await ask(one)).status, (await ask(two)).body.service.name], [503, 'api']);
    await checks.keep([check(two, 3, 'api')]);
    await assert.rejects(fetch(`http://${host}:${one}`));
    assert.equal((await ask(two)).status, 200);
  });

  test('keep() says once that a port is taken, tries again, serves the others meanwhile, and says when it has it', async () => {
    const said: string[] = [];
    const log: Logger = {
      ...SILENT,
      warn: (message, facts) =>
        void said.push(`${message} ${facts?.service} ${facts?.port} ${facts?.remedy !== undefined}`),
      info: (message, facts) => void said.push(`${message} ${facts?.service}`),
    };
    await using checks = health({ log });
    const [held, free] = [await holdPort(), await freePort()];
    const wanted = [check(held.port, 1), check(free, 1, 'api')];
    await checks.keep(wanted);
    await checks.keep(wanted);
    assert.deepEqual(said, [`health check not served alpha/web ${held.port} true`]);
    assert.equal((await ask(free)).status, 200);
    held[Symbol.dispose]();
    await checks.keep(wanted);
    assert.deepEqual(said.slice(1), ['health check served again alpha/web']);
    assert.equal((await ask(held.port)).status, 200);
  });

  test('closes all ports when it is disposed, also those to which somebody holds a connection', async () => {
    const checks = health();
    const port = await freePort();
    await checks.keep([check(port, 1)]);
    const socket = connect({ host, port });
    socket.on('error', () => {});
    await once(socket, 'connect');
    await checks[Symbol.asyncDispose]();
    await once(socket.resume(), 'close');
    await assert.rejects(fetch(`http://${host}:${port}`));
  });
});
