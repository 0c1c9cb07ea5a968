import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { countIptables, detectIptables } from './iptables.ts';

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

const ONE_RULE = '#!/bin/sh\necho "-A INPUT -j ACCEPT"\n';

test('detectIptables() fails when a variant is there and does not start, and takes it for no empty one', async () => {
  await withPrograms({ 'iptables-nft-save': 'not executable', 'iptables-legacy-save': ONE_RULE }, async () => {
    await assert.rejects(detectIptables(), (error) => isTenetError(error, 'TOOL_NOT_STARTED'));
  });
});

test('countIptables() counts 0 for a variant that is not installed', async () => {
  await withPrograms({ 'iptables-legacy-save': ONE_RULE }, async () => {
    assert.deepEqual(await countIptables(), { nft: 0, legacy: 1 });
  });
});
