import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import type { ProxyMode } from '../config.ts';
import { refuseKubeProxy } from './refuse-kube-proxy.ts';

const KUBE_PROXY = '{"lastUpdated": "2026-11-23 02:00:00 +0000 UTC","currentTime": "2026-11-23 02:00:01 +0000 UTC"}';

/** Asks an address where this answers. */
async function ask(mode: ProxyMode, listener: RequestListener): Promise<unknown> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  try {
    return await refuseKubeProxy(mode, `http://127.0.0.1:${address.port}/healthz`).catch((error) => error);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe('refuseKubeProxy()', () => {
  for (const status of [200, 503])
    test(`refuses to start beside one that answers ${status}`, async () => {
      const error = await ask('nftables', (_, response) => response.writeHead(status).end(KUBE_PROXY));
      assert.ok(isTenetError(error, 'KUBE_PROXY_RUNS'), String(error));
      assert.match(error.remedy, /^remove that kube-proxy .* or choose proxy\.mode none$/);
    });

  test('lets it be when it is that which forwards', async () => {
    assert.equal(await ask('none', (_, response) => response.end(KUBE_PROXY)), undefined);
  });

  for (const [what, body] of [
    ['text', 'ok'],
    ['other JSON', '{"status": "ok"}'],
  ] as const)
    test(`takes none for one that answers ${what}`, async () => {
      assert.equal(await ask('iptables', (_, response) => response.end(body)), undefined);
    });

  test('takes none for one where nobody listens, or says nothing in time', async () => {
    assert.equal(await refuseKubeProxy('iptables', 'http://127.0.0.1:1/healthz'), undefined);
    assert.equal(await ask('iptables', () => {}), undefined);
  });
});
