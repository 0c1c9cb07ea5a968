import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from './bundle.ts';
import { sourcePlaces } from './source-places.ts';

test('sourcePlaces() names the source of what was thrown in a bundle, and leaves other places alone', async () => {
  using tree = mkdtempDisposableSync(join(tmpdir(), 'tenet-places-'));
  const at = (name: string) => join(tree.path, name);
  mkdirSync(at('bundles'));
  writeFileSync(
    at('inner.ts'),
    '// one\nexport function inner(): never {\n  throw new Error(import.meta.dirname);\n}\n',
  );
  writeFileSync(
    at('outer.ts'),
    "import { inner } from './inner.ts';\n\ntype X = 1;\nconsole.log(new URL('./outer.ts', import.meta.url).href);\ninner();\n",
  );
  await bundle({ directory: at('bundles'), entries: { outer: at('outer.ts') } });
  const { stdout, stderr } = spawnSync(process.execPath, [at('bundles/outer.js')], { encoding: 'utf8' });
  const places = sourcePlaces({ bundles: at('bundles'), root: tree.path });
  const text = stderr.split('\n').map(places).join('\n');
  assert.ok(text.includes(`Error: ${tree.path}\n`), 'a source finds where it is');
  assert.equal(stdout, `file://${at('bundles/outer.js')}\n`, 'a source forks what was bundled');
  assert.match(text, /at inner \(inner\.ts:3:9\)/);
  assert.match(text, /at outer\.ts:5:1/);
  assert.match(text, /at .*\(node:internal\/modules\/.*:\d+:\d+\)/);
  assert.equal(places('at /elsewhere/a.js:1:2'), 'at /elsewhere/a.js:1:2');
});
