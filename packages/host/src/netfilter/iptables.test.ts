import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { iptablesSave } from './iptables.ts';

/** Runs a body with these programs, and no others, on the PATH. */
async function withPrograms(programs: Readonly<Record<string, string>>, body: () => Promise<void>): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-path-'));
  for (const [name, script] of Object.entries(programs)) {
    const file = join(directory.path, name);
    await writeFile(file, script);
    await chmod(file, script.startsWith('#!') ? 0o755 : 0o644);
  }
  const { PATH: before = '' } = process.env;
  process.env.PATH = directory.path;
  try {
    await body();
  } finally {
    process.env.PATH = before;
  }
}

test('iptablesSave() tells a variant that does not start from one that is not installed', async () => {
  await withPrograms({ 'iptables-nft-save': 'not executable' }, async () => {
    await assert.rejects(iptablesSave(), (error) => isTenetError(error, 'TOOL_NOT_STARTED'));
    await assert.rejects(iptablesSave({ variant: 'legacy' }), (error) => isTenetError(error, 'TOOL_MISSING'));
  });
});

test('iptablesSave() asks for counters only when told', async () => {
  await withPrograms({ 'iptables-legacy-save': '#!/bin/sh\necho "asked with: $*"\n' }, async () => {
    assert.equal(await iptablesSave({ variant: 'legacy' }), 'asked with: \n');
    assert.equal(await iptablesSave({ variant: 'legacy', counters: true }), 'asked with: --counters\n');
  });
});
