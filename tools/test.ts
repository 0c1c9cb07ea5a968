/**
 * Runs the tests and counts them: `test.ts [unit|integration|e2e]…`, all three by default, cheap ones first.
 * A test runner that finds no file says "ok", so this one fails when fewer files ran than git knows of; and with
 * TENET_REQUIRE_NET=1, as the gate sets it, a skipped test is a failed one. Last line: `N passed, N failed`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { run } from 'node:test';

interface Kind {
  readonly pattern: RegExp;
  /** Unit tests are pure and share one process; those with namespaces get one each, so that a leak dies with it. */
  readonly isolation: 'none' | 'process';
  readonly timeoutMs: number;
}

const KINDS: Readonly<Record<string, Kind>> = {
  unit: { pattern: /^(packages|tools)\/.*\.test\.ts$/, isolation: 'none', timeoutMs: 60_000 },
  integration: { pattern: /^test\/integration\/.*\.net\.test\.ts$/, isolation: 'process', timeoutMs: 240_000 },
  e2e: { pattern: /^test\/e2e\/.*\.e2e\.test\.ts$/, isolation: 'process', timeoutMs: 300_000 },
};

const root = join(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => KINDS[name] === undefined);
if (unknown.length > 0) {
  console.error(`tenet: no tests of kind ${unknown.join(', ')}: choose from ${Object.keys(KINDS).join(', ')}`);
  process.exit(64);
}

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));

let passed = 0;
let failed = 0;
let filesWanted = 0;
const filesRan = new Set<string>();

for (const [name, kind] of Object.entries(KINDS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const files = tracked.filter((file) => kind.pattern.test(file)).map((file) => join(root, file));
  filesWanted += files.length;
  if (files.length === 0) continue;
  const startedMs = performance.now();
  await runFiles(files, kind);
  console.log(`${name}: ${files.length} files in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}

if (filesWanted === 0) fault('there is no test file');
if (filesRan.size !== filesWanted) fault(`${filesWanted} test files are there, but only ${filesRan.size} ran`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function runFiles(files: string[], { isolation, timeoutMs }: Kind): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = run({
      files,
      isolation,
      concurrency: isolation === 'none' ? true : 1,
      timeout: timeoutMs,
      cwd: root,
    });
    stream.on('test:pass', (test) => {
      if (test.file !== undefined) filesRan.add(test.file);
      if (test.details.type === 'suite' || isFile(test.name)) return;
      if (test.todo !== undefined) console.log(`todo: ${test.name}: ${reason(test.todo)}`);
      else if (test.skip !== undefined) skipped(test.name, reason(test.skip));
      else passed++;
    });
    stream.on('test:fail', (test) => {
      if (test.file !== undefined) filesRan.add(test.file);
      if (test.todo !== undefined) {
        console.log(`todo: ${test.name}: ${reason(test.todo)}`);
        return;
      }
      // A suite fails because of a test in it, which was counted; a file may fail by itself.
      const error = test.details.error as Error & { code?: string; failureType?: string; cause?: unknown };
      if (error.failureType === 'subtestsFailed') return;
      failed++;
      console.log(`\nFAILED ${test.name}  (${test.file ?? '?'}:${test.line ?? 0})`);
      console.log(String(error.cause instanceof Error ? (error.cause.stack ?? error.cause) : (error.cause ?? error)));
    });
    stream.on('test:stderr', ({ message }) => process.stderr.write(message));
    stream.on('test:stdout', ({ message }) => process.stdout.write(message));
    stream.on('error', reject);
    stream.on('end', resolve);
    stream.resume();
  });
}

/** In a process of its own a file is reported as a test whose name is its path. */
function isFile(name: string): boolean {
  return name.endsWith('.test.ts');
}

function reason(said: string | boolean): string {
  return typeof said === 'string' ? said : 'no reason given';
}

function skipped(name: string, why: string): void {
  console.log(`SKIPPED ${name}: ${why}`);
  if (process.env.TENET_REQUIRE_NET === '1') failed++;
}

function fault(sentence: string): void {
  console.log(`FAILED ${sentence}`);
  failed++;
}
