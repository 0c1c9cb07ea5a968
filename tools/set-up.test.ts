import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';

test('set-up says in one line that it needs root, and ends with 77', () => {
  const setUp = join(import.meta.dirname, 'set-up');
  const nobody = ['setpriv', '--reuid=65534', '--clear-groups', setUp];
  const [program = '', ...args] = process.getuid?.() === 0 ? nobody : [setUp];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(
    stderr,
    'tenet: needs root for network namespaces and Open vSwitch: run it again as root (sudo npm start)\n',
  );
  assert.deepEqual([status, stdout], [77, '']);
});
