/** Credentials that a program gives (an exec plugin), as the client waits for them. Needs neither root nor a network. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openKubeClient } from '@tenet/kube';
import { isTenetError } from '@tenet/std';

test('openKubeClient() waits no longer for an exec plugin than for a server, and starts it once', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-exec-'));
  const starts = join(directory.path, 'starts');
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sh',
    args: ['-c', `echo >>${starts}; sleep 2`],
    interactiveMode: 'Never',
  };
  const kubeconfig = join(directory.path, 'config');
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user: { exec } }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  await using client = await openKubeClient({ kubeconfig, deadlineMs: 300 });
  for (const kind of ['Node', 'Pod'] as const) {
    await assert.rejects(client.list(kind), (error) => {
      assert.ok(isTenetError(error, 'KUBE_CREDENTIALS_LATE'), String(error));
      assert.match(error.message, /within 300 ms from the exec plugin sh of /);
      return true;
    });
  }
  assert.equal(readFileSync(starts, 'utf8'), '\n');
});
