/** The gate's last line and exit status, with an npm in its way that ends as each row says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

// biome-ignore format: one row per line
const ENDS: readonly [what: string, setUp: string, check: string, tests: string, lastLine: string][] = [
  ['set-up fails',                            'exit 77', 'exit 0', 'echo "9 passed, 0 failed"',         '0 passed, 1 failed'],
  ['the check fails',                         'exit 0',  'exit 1', 'echo "9 passed, 0 failed"',         '0 passed, 1 failed'],
  ['npm test prints nothing',                 'exit 0',  'exit 0', 'exit 0',                            '0 passed, 1 failed'],
  ['npm test prints something else at last',  'exit 0',  'exit 0', 'echo "9 passed, 0 failed"; echo x', '0 passed, 1 failed'],
  ['npm test counts a failure but ends well', 'exit 0',  'exit 0', 'echo "8 passed, 1 failed"',         '8 passed, 1 failed'],
  ['npm test ends badly but counts none',     'exit 0',  'exit 0', 'echo "9 passed, 0 failed"; exit 1', '9 passed, 1 failed'],
  ['npm test is killed',                      'exit 0',  'exit 0', 'echo begun; kill -9 $$',            '0 passed, 1 failed'],
  ['nothing was tested',                      'exit 0',  'exit 0', 'echo "0 passed, 0 failed"',         '0 passed, 1 failed'],
  ['all is well',                             'exit 0',  'exit 0', 'echo "9 passed, 0 failed"',         '9 passed, 0 failed'],
];

describe('.ci/run', () => {
  for (const [what, setUp, check, tests, lastLine] of ENDS) {
    test(`says ${lastLine} at last when ${what}`, () => {
      using tree = mkdtempDisposableSync(join(tmpdir(), 'tenet-gate-'));
      const at = (name: string) => join(tree.path, name);
      for (const name of ['.ci', 'tools', 'bin']) mkdirSync(at(name));
      copyFileSync(join(import.meta.dirname, '../.ci/run'), at('.ci/run'));
      writeFileSync(at('tools/set-up'), `#!/bin/sh\n${setUp}\n`, { mode: 0o755 });
      const npm = `#!/bin/sh\nif [ "$1" = run ]; then ${check}; else ${tests}; fi\n`;
      writeFileSync(at('bin/npm'), npm, { mode: 0o755 });
      const { status, stdout } = spawnSync(at('.ci/run'), {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${at('bin')}:${process.env.PATH}` },
      });
      assert.equal(stdout.trimEnd().split('\n').at(-1), lastLine);
      assert.equal(status, lastLine.endsWith(' 0 failed') ? 0 : 1);
    });
  }
});
