/** What killed test processes leave is removed by the next one, and nothing else is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNamespace, deleteNamespace } from '@tenet/host';
import { sweep } from './sweep.ts';

test('sweep() removes namespaces and directories of processes that are gone, by their prefix alone', async () => {
  const { pid: gone } = spawnSync('true');
  const prefix = `tenet-sweep-${process.pid}-x`;
  const dead = `${prefix}-${gone}-a`;
  const kept = [`${prefix}-${process.pid}-a`, `${prefix}er-${gone}-a`, `${prefix}-${gone}`];
  const pathsOf = (name: string) => [`/run/netns/${name}`, join(tmpdir(), name)] as const;
  try {
    for (const name of [dead, ...kept]) {
      const [namespace, directory] = pathsOf(name);
      createNamespace(namespace);
      await mkdir(join(directory, 'inside'), { recursive: true });
    }
    sweep(prefix);
    assert.deepEqual(pathsOf(dead).map(existsSync), [false, false]);
    for (const name of kept) assert.deepEqual(pathsOf(name).map(existsSync), [true, true], name);
  } finally {
    for (const name of [dead, ...kept]) {
      const [namespace, directory] = pathsOf(name);
      deleteNamespace(namespace);
      await rm(directory, { recursive: true, force: true });
    }
  }
});
