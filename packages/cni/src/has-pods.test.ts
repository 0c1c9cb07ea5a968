import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { hasPods } from './has-pods.ts';

describe('hasPods()', () => {
  const DIRECTORIES = [
    { name: 'nothing', files: [], pods: false },
    { name: 'the cursor only', files: ['cursor'], pods: false },
    { name: 'half a lease, as a kill left it', files: ['.10.131.2.4'], pods: false },
    { name: 'a lease', files: ['cursor', '10.131.2.4'], pods: true },
  ];
  for (const { name, files, pods } of DIRECTORIES) {
    test(`is ${pods} when the directory holds ${name}`, () => {
      using directory = mkdtempDisposableSync(join(tmpdir(), 'tenet-leases-'));
      for (const file of files) writeFileSync(join(directory.path, file), '');
      assert.equal(hasPods(directory.path), pods);
    });
  }

  test('is false when there is no directory', () => assert.equal(hasPods('/no/such/directory'), false));
});
