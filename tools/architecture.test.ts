import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PURE, ROWS } from './architecture.ts';

const root = join(import.meta.dirname, '..');
const rowOf = new Map<string, number>(
  ROWS.flatMap((names, row) => names.map((name) => [`@tenet/${name}`, row] as const)),
);
const folders = readdirSync(join(root, 'packages'));

/** Imports that break the rules, as sentences. */
function violations(name: string, dependencies: readonly string[], sources: ReadonlyMap<string, string>): string[] {
  const row = rowOf.get(`@tenet/${name}`);
  if (row === undefined) return [`${name} stands in no row of tools/architecture.ts`];
  const upward = dependencies.filter((other) => other.startsWith('@tenet/') && (rowOf.get(other) ?? row) >= row);
  const impure = [...sources]
    .filter(([, text]) => PURE.includes(name) && /from 'node:/.test(text))
    .map(([file]) => file);
  return [
    ...upward.map((other) => `${name} depends on ${other}, which is not in a lower row`),
    ...impure.map((file) => `${file} imports from node:, but ${name} is pure`),
  ];
}

describe('architecture', () => {
  test('every row names packages that are there, and every package stands in a row', () => {
    assert.deepEqual([...rowOf.keys()].sort(), folders.map((name) => `@tenet/${name}`).sort());
  });

  for (const name of folders) {
    test(`${name} imports from lower rows only`, () => {
      const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
      const files = globSync(`packages/${name}/src/**/*.ts`, { cwd: root, exclude: ['**/*.test.ts'] });
      assert.ok(files.length > 0, `${name} has no source file`);
      const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
      assert.deepEqual(violations(name, Object.keys(manifest.dependencies ?? {}), sources), []);
    });
  }

  test('violations() finds a package that stands on a higher one, and a pure one that reads a file', () => {
    assert.equal(violations('model', ['@tenet/agent'], new Map()).length, 1);
    assert.equal(violations('std', [], new Map([['x.ts', "import { readFile } from 'node:fs';"]])).length, 1);
    assert.equal(violations('newcomer', [], new Map()).length, 1);
  });
});
