/** The gate's own tools, each seen to fail on a mistake: a checker that checks nothing would be green for ever. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempDisposableSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** A mistake in a file of its own, and the name under which the tool reports it. */
interface Planted {
  readonly file: string;
  readonly text: string;
  readonly reports: string;
}

const BIOME: readonly Planted[] = [
  {
    file: 'packages/agent/src/floating.ts',
    text: 'async function f() {}\nexport function g() {\n  f();\n}\n',
    reports: 'lint/nursery/noFloatingPromises',
  },
  {
    file: 'packages/agent/src/misused.ts',
    text: 'export const all = [1].filter(async () => true);\n',
    reports: 'lint/nursery/noMisusedPromises',
  },
  {
    file: 'packages/agent/src/switch.ts',
    text: "export function f(kind: 'a' | 'b'): number {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}\n",
    reports: 'lint/nursery/useExhaustiveSwitchCases',
  },
  { file: 'packages/agent/src/enum.ts', text: 'export enum E {\n  A = 0,\n}\n', reports: 'lint/style/noEnum' },
  { file: 'packages/agent/src/any.ts', text: 'export const x: any = 1;\n', reports: 'lint/suspicious/noExplicitAny' },
  {
    file: 'packages/agent/src/CamelCase.ts',
    text: 'export const x = 1;\n',
    reports: 'lint/style/useFilenamingConvention',
  },
  {
    file: 'packages/agent/src/long.ts',
    text: 'export const x = 1;\n'.replace('1', `[\n${'  1,\n'.repeat(400)}]`),
    reports: 'lint/style/noExcessiveLinesPerFile',
  },
  { file: 'packages/agent/src/badly-formatted.ts', text: 'export  const x = 1\n', reports: 'format' },
  {
    file: 'packages/agent/src/cycle-a.ts',
    text: "import { b } from './cycle-b.ts';\n\nexport const a = () => b;\n",
    reports: 'lint/suspicious/noImportCycles',
  },
  {
    file: 'packages/agent/src/cycle-b.ts',
    text: "import { a } from './cycle-a.ts';\n\nexport const b = () => a;\n",
    reports: 'lint/suspicious/noImportCycles',
  },
  {
    file: 'packages/std/src/undeclared.ts',
    text: "export { failAgent } from '@tenet/agent';\n",
    reports: 'lint/correctness/noUndeclaredDependencies',
  },
  {
    file: 'packages/std/src/impure-import.ts',
    text: "import { readFileSync } from 'node:fs';\n\nexport const x = readFileSync;\n",
    reports: 'lint/style/noRestrictedImports',
  },
  {
    file: 'packages/openflow/src/impure-global.ts',
    text: 'export const now = () => Date.now();\n',
    reports: 'lint/style/noRestrictedGlobals',
  },
];

const TYPESCRIPT: readonly Planted[] = [
  {
    file: 'packages/std/src/index-access.ts',
    text: 'const list: string[] = [];\nexport const first: string = list[0];\n',
    reports: 'TS2322',
  },
  {
    file: 'packages/std/src/optional.ts',
    text: 'export const x: { a?: number } = { a: undefined };\n',
    reports: 'TS2375',
  },
  { file: 'packages/std/src/erasable.ts', text: 'export enum E {\n  A = 0,\n}\n', reports: 'TS1294' },
];

const KNIP: readonly Planted[] = [
  { file: 'packages/std/src/nobody-imports-me.ts', text: 'export const x = 1;\n', reports: 'Unused files' },
  {
    file: 'packages/std/src/used.ts',
    text: 'export const used = 1;\nexport const unused = 2;\n',
    reports: 'Unused exports',
  },
];

/** A tree with our settings and the planted files, and the tool's output on it; it must have failed. */
async function outputOf(planted: readonly Planted[], program: string, args: readonly string[]): Promise<string> {
  using tree = mkdtempDisposableSync(join(tmpdir(), 'tenet-planted-'));
  for (const name of ['biome.json', 'tsconfig.json', 'knip.json', 'package.json'])
    copyFileSync(join(root, name), join(tree.path, name));
  symlinkSync(join(root, 'node_modules'), join(tree.path, 'node_modules'));
  for (const name of ['agent', 'openflow', 'std'])
    write(tree.path, `packages/${name}/package.json`, `{ "name": "@tenet/${name}", "exports": "./src/index.ts" }\n`);
  write(tree.path, 'packages/std/src/index.ts', "import { used } from './used.ts';\n\nexport const face = used;\n");
  write(tree.path, 'packages/std/src/used.ts', 'export const used = 1;\n');
  for (const { file, text: content } of planted) write(tree.path, file, content);
  const child = spawn(join(root, 'node_modules/.bin', program), args, {
    cwd: tree.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const output = `${stdout}${stderr}`;
  assert.notEqual(child.exitCode, 0, `${program} found nothing:\n${output}`);
  return output;
}

function write(base: string, file: string, text: string): void {
  mkdirSync(dirname(join(base, file)), { recursive: true });
  writeFileSync(join(base, file), text);
}

describe('each tool', { concurrency: true }, () => {
  describe('Biome', () => {
    let output = '';
    before(async () => {
      output = await outputOf(BIOME, 'biome', [
        'ci',
        '--vcs-enabled=false',
        '--colors=off',
        '--max-diagnostics=none',
        '.',
      ]);
    });
    for (const { file, reports } of BIOME) {
      test(`reports ${reports} in ${file}`, () => {
        const found = output.split('\n').some((line) => line.startsWith(file) && line.includes(reports));
        assert.ok(
          found,
          output
            .split('\n')
            .filter((line) => line.startsWith(file))
            .join('\n') || 'nothing about that file',
        );
      });
    }
  });

  describe('TypeScript', () => {
    let output = '';
    before(async () => {
      output = await outputOf(TYPESCRIPT, 'tsc', ['-p', '.', '--pretty', 'false']);
    });
    for (const { file, reports } of TYPESCRIPT) {
      test(`reports ${reports} in ${file}`, () => {
        assert.ok(
          output.split('\n').some((line) => line.startsWith(file) && line.includes(reports)),
          output,
        );
      });
    }
  });

  describe('knip', () => {
    let output = '';
    before(async () => {
      output = await outputOf(KNIP, 'knip', ['--no-progress']);
    });
    for (const { file, reports } of KNIP) {
      test(`reports ${reports} in ${file}`, () => {
        const from = output.indexOf(reports);
        assert.ok(from >= 0 && output.slice(from).includes(file), output);
      });
    }
  });
});
