import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTenetError } from '@tenet/std';
import type { Access, Credentials } from './credentials.ts';
import { openTransport } from './transport.ts';

const REQUEST = { verb: 'list', method: 'GET', path: '/api/v1/nodes' } as const;

function transportWith(access: () => Promise<Access>, signal = new AbortController().signal) {
  const credentials: Credentials = {
    server: new URL('https://127.0.0.1:1'),
    source: 'the exec plugin /bin/slow of /etc/kubeconfig',
    access,
    forget() {},
    [Symbol.dispose]() {},
  };
  return openTransport({ credentials, deadlineMs: 20, userAgent: 'tenet-test', signal });
}

test('openTransport() makes KUBE_CREDENTIALS_LATE of credentials that do not come in time, and names their source', async () => {
  const transport = transportWith(() => new Promise(() => {}));
  const isLate = (error: unknown) =>
    isTenetError(error, 'KUBE_CREDENTIALS_LATE') && /20 ms from the exec plugin \/bin\/slow of/.test(error.message);
  await assert.rejects(transport.json(REQUEST), isLate);
  await assert.rejects(transport.stream(REQUEST).next(), isLate);
});

test('openTransport() rejects with the reason of a signal that aborts while credentials are waited for', async () => {
  const end = new AbortController();
  const reason = new Error('enough');
  const asking = transportWith(() => new Promise(() => {}), end.signal).json(REQUEST);
  end.abort(reason);
  await assert.rejects(asking, reason);
});

test('openTransport() keeps the reason for which credentials did not come', async () => {
  const reason = new Error('no such file');
  await assert.rejects(transportWith(() => Promise.reject(reason)).json(REQUEST), (error) => {
    assert.ok(isTenetError(error, 'KUBE_UNREACHABLE'), String(error));
    assert.equal(error.cause, reason);
    return true;
  });
});
