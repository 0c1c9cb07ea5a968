/** The counting of tests, seen on planted test files: nothing that goes wrong in one may leave the count at "0 failed". */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';

interface Planted {
  readonly what: string;
  /** Path in the tree and what follows the import of node:test. */
  readonly files: Readonly<Record<string, string>>;
  readonly lastLine: string;
  /** What else must be printed. */
  readonly says?: RegExp;
  /** Instead of a program that has no file to run on another kernel. */
  readonly kernel?: string;
  /** Instead of the gate's. */
  readonly environment?: NodeJS.ProcessEnv;
}

const UNIT = 'packages/a/src/planted.test.ts';
const E2E = 'test/e2e/planted.e2e.test.ts';
const GOOD = "test('good', () => {});\n";
const FAILING = "test('bad', () => {\n  throw new Error('as planted');\n});\n";

const NO_KERNEL = "console.log('0 passed, 0 failed in 0 files');\n";

const PLANTED: readonly Planted[] = [
  {
    what: 'a failing test',
    files: { [UNIT]: `${GOOD}${FAILING}` },
    lastLine: '1 passed, 1 failed',
    says: /^FAILED bad .*planted\.test\.ts:3.*\n.*as planted/m,
  },
  {
    what: 'a skipped test',
    files: { [UNIT]: `${GOOD}test('off', { skip: 'no time' }, () => {});\n` },
    lastLine: '1 passed, 1 failed',
    says: /^SKIPPED off: no time$/m,
  },
  {
    what: 'a skipped suite',
    files: { [UNIT]: `${GOOD}describe.skip('all of it', () => {\n  ${FAILING}});\n` },
    lastLine: '1 passed, 1 failed',
    says: /^SKIPPED all of it: no reason given$/m,
  },
  {
    what: 'a skipped suite in a process of its own',
    files: { [E2E]: `${GOOD}describe('all of it', { skip: 'no root' }, () => {\n  ${FAILING}});\n` },
    lastLine: '1 passed, 1 failed',
    says: /^SKIPPED all of it: no root$/m,
  },
  {
    what: 'a skipped test where the gate does not ask',
    files: { [UNIT]: `${GOOD}test('off', { skip: 'no time' }, () => {});\n` },
    lastLine: '1 passed, 0 failed',
    says: /^SKIPPED off: no time$/m,
    environment: { TENET_REQUIRE_NET: '' },
  },
  {
    what: 'a todo test that fails',
    files: { [UNIT]: `${GOOD}${FAILING.replace("'bad',", "'bad', { todo: 'not yet' },")}` },
    lastLine: '1 passed, 0 failed',
    says: /^todo: bad: not yet$/m,
  },
  {
    what: 'process.exit(0) in a unit test',
    files: { [UNIT]: `${GOOD}test('leaves', () => process.exit(0));\n` },
    lastLine: '1 passed, 1 failed',
    says: /^FAILED the run ended before all tests had/m,
  },
  {
    what: 'process.exit(0) at once in a process of its own',
    files: { [E2E]: `${GOOD}test('leaves', () => process.exit(0));\n` },
    lastLine: '0 passed, 1 failed',
    says: /^FAILED 1 test files are there, but only 0 ran a test$/m,
  },
  {
    what: 'process.exit(0) after a while in a process of its own',
    files: {
      [E2E]: `${GOOD}test('leaves', () => new Promise((r) => setTimeout(r, 200)).then(() => process.exit(0)));\n`,
    },
    lastLine: '1 passed, 1 failed',
    says: /^FAILED 1 tests of .*planted\.e2e\.test\.ts began and never ended$/m,
  },
  {
    what: 'a file that does not load',
    files: { [UNIT]: `${GOOD}${FAILING.replace('throw', 'trow ')}` },
    lastLine: '0 passed, 2 failed',
  },
  { what: 'no test in a file', files: { [UNIT]: '' }, lastLine: '0 passed, 1 failed', says: /only 0 ran a test$/m },
  {
    what: 'no test in a file with a process of its own',
    files: { [E2E]: '' },
    lastLine: '0 passed, 1 failed',
    says: /only 0 ran a test$/m,
  },
  { what: 'no file at all', files: {}, lastLine: '0 passed, 1 failed', says: /^FAILED there is no test file$/m },
  {
    what: 'tests that passed and failed on another kernel',
    files: { [UNIT]: GOOD },
    kernel: "console.log('a line\\n4 passed, 2 failed in 3 files');\nprocess.exitCode = 1;\n",
    lastLine: '5 passed, 2 failed',
    says: /^a line\nkernel: 3 files in/m,
  },
  {
    what: 'another kernel that counts and then says something else',
    files: { [UNIT]: GOOD },
    kernel: "console.log('4 passed, 0 failed in 3 files\\npanic');\n",
    lastLine: '1 passed, 1 failed',
    says: /^panic\nFAILED the kernel's tests ended with status 0 and no count$/m,
  },
  {
    what: 'another kernel that counts no failure but fails',
    files: { [UNIT]: GOOD },
    kernel: "console.log('4 passed, 0 failed in 3 files');\nprocess.exitCode = 3;\n",
    lastLine: '5 passed, 1 failed',
    says: /^FAILED the kernel's tests ended with status 3$/m,
  },
  { what: 'no git', files: { [UNIT]: GOOD, [E2E]: GOOD }, lastLine: '2 passed, 0 failed', environment: { PATH: '' } },
];

/** What the counting prints and how it ends, on a tree that holds these files and is no git checkout. */
async function outputOf({
  files,
  kernel = NO_KERNEL,
  environment = {},
}: Planted): Promise<{ stdout: string; status: number | null }> {
  using tree = mkdtempDisposableSync(join(tmpdir(), 'tenet-counted-'));
  write(tree.path, 'package.json', '{ "type": "module" }\n');
  mkdirSync(join(tree.path, 'tools/kernel'), { recursive: true });
  writeFileSync(join(tree.path, 'tools/kernel/run.ts'), kernel);
  for (const name of ['test.ts', 'tally.ts'])
    copyFileSync(join(import.meta.dirname, name), join(tree.path, 'tools', name));
  for (const [file, text] of Object.entries(files))
    write(tree.path, file, `import { describe, test } from 'node:test';\n${text}`);
  // This process is a test's: the runner that it starts must not think that it is one, too.
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  const child = spawn(process.execPath, ['tools/test.ts'], {
    cwd: tree.path,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...own, TENET_REQUIRE_NET: '1', ...environment },
  });
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { stdout, status: child.exitCode };
}

function write(base: string, file: string, text: string): void {
  mkdirSync(dirname(join(base, file)), { recursive: true });
  writeFileSync(join(base, file), text);
}

describe('tools/test.ts counts', { concurrency: true }, () => {
  for (const planted of PLANTED) {
    test(`${planted.what} as ${planted.lastLine}`, async () => {
      const { stdout, status } = await outputOf(planted);
      assert.equal(stdout.trimEnd().split('\n').at(-1), planted.lastLine, stdout);
      assert.equal(status, planted.lastLine.endsWith(' 0 failed') ? 0 : 1);
      if (planted.says !== undefined) assert.match(stdout, planted.says);
    });
  }
});
