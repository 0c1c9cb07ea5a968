/** The ends that a machine can come to, with a qemu of ours in the way. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { boot } from './boot.ts';

interface End {
  readonly what: string;
  /** What the machine does, in shell. */
  readonly machine: string;
  readonly says: readonly string[];
  /** The script's status, or what is said of the machine. */
  readonly ends: number | RegExp;
}

const SILENCE_MS = 3000;

const ENDS: readonly End[] = [
  {
    what: 'panics',
    machine: 'echo begun; echo Kernel panic',
    says: ['begun', 'Kernel panic'],
    ends: /it ended \(qemu with 0\)/,
  },
  { what: 'cannot be started', machine: 'exit 1', says: [], ends: /it ended \(qemu with 1\) before its script did/ },
  { what: 'never says anything', machine: 'exec sleep 600', says: [], ends: /it has said nothing for 3 s/ },
  {
    what: 'falls silent',
    machine: 'echo begun; exec sleep 600',
    says: ['begun'],
    ends: /it has said nothing for 3 s/,
  },
  { what: 'runs a script that fails', machine: "echo a; echo 'init: exit status 3'", says: ['a'], ends: 3 },
  { what: 'runs a script', machine: "printf 'a\\r\\nb\\r\\ninit: exit status 0\\r\\n'", says: ['a', 'b'], ends: 0 },
];

for (const { what, machine, says, ends } of ENDS) {
  test(`boot() ${typeof ends === 'number' ? `returns ${ends}` : 'rejects'} when the machine ${what}`, async () => {
    const said: string[] = [];
    const booted = run(machine, (line) => said.push(line));
    if (typeof ends === 'number') assert.equal(await booted, ends);
    else await assert.rejects(booted, ends);
    assert.deepEqual(said, says);
  });
}

test('boot() rejects with the reason and ends the machine when the signal aborts', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  let pid = 0;
  const booted = run(
    'echo $$; exec sleep 600',
    (line) => {
      pid = Number(line);
      stop.abort(reason);
    },
    stop.signal,
  );
  await assert.rejects(booted, reason);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

/** Boots a machine that does this. */
async function run(
  machine: string,
  onLine: (line: string) => void,
  signal = AbortSignal.timeout(30_000),
): Promise<number> {
  using tree = mkdtempDisposableSync(join(tmpdir(), 'tenet-boot-'));
  const bin = join(tree.path, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'qemu-system-x86_64'), `#!/bin/sh\n${machine}\n`, { mode: 0o755 });
  return await boot({
    kernel: '/kernel',
    release: '6.1.0-amd64',
    initramfs: '/initramfs',
    keep: [],
    script: '/script',
    environment: { PATH: `${bin}:${process.env.PATH}` },
    silenceMs: SILENCE_MS,
    signal,
    onLine,
  });
}
