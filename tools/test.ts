/**
 * Runs the tests and counts them: `test.ts [unit|integration|e2e]…`, all three by default, cheap ones first.
 * A test runner that finds no file says "ok", so this one fails when fewer files ran than there are; and with
 * TENET_REQUIRE_NET=1, as the gate sets it, a skipped test is a failed one. Last line, however it ends:
 * `N passed, N failed`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join, relative } from 'node:path';
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
let passed = 0;
let failed = 0;
let filesWanted = 0;
const filesRan = new Set<string>();
/** How many tests of each file have begun and not ended. */
const unended = new Map<string, number>();
const heard = new Map<string, { readonly firstMs: number; readonly lastMs: number }>();
let isThrough = false;

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => KINDS[name] === undefined);
if (unknown.length > 0) {
  console.error(`tenet: no tests of kind ${unknown.join(', ')}: choose from ${Object.keys(KINDS).join(', ')}`);
  process.exit(64);
}

// Unit tests share this process: one that calls process.exit() must not end the run as if all were well.
process.on('exit', () => {
  if (!isThrough) fault('the run ended before all tests had: look for a process.exit() in what is tested');
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
});
try {
  await runAll();
} catch (error) {
  fault(`the tests could not be run: ${error instanceof Error ? error.stack : error}`);
}
isThrough = true;
process.exit();

async function runAll(): Promise<void> {
  const present = filesHere();
  for (const [name, kind] of Object.entries(KINDS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const files = present.filter((file) => kind.pattern.test(file)).map((file) => join(root, file));
    filesWanted += files.length;
    if (files.length === 0) continue;
    const startedMs = performance.now();
    await runFiles(files, kind);
    if (kind.isolation === 'process')
      for (const file of files) console.log(`  ${relative(root, file)}: ${secondsOf(file)} s`);
    console.log(`${name}: ${files.length} files in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
  if (filesWanted === 0) fault('there is no test file');
  if (filesRan.size !== filesWanted) {
    fault(`${filesWanted} test files are there, but only ${filesRan.size} ran a test`);
  }
  for (const [file, tests] of unended) if (tests > 0) fault(`${tests} tests of ${file} began and never ended`);
}

/** The files that git knows of or would add; without git or its directory, all that look like tests. */
function filesHere(): string[] {
  try {
    // Whoever owns the checkout: nothing of its configuration is run by a list of names.
    const args = ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard'];
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .filter((file) => file !== '' && existsSync(join(root, file)));
  } catch {
    return globSync('{packages,tools,test}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] });
  }
}

function runFiles(files: string[], { isolation, timeoutMs }: Kind): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = run({
      files,
      isolation,
      concurrency: isolation === 'none' ? true : 1,
      timeout: timeoutMs,
      cwd: root,
    });
    stream.on('test:enqueue', (test) => {
      if (!isFile(test)) count(test.file, 1);
    });
    stream.on('test:pass', (test) => {
      if (isFile(test)) return;
      count(test.file, -1);
      if (test.todo !== undefined) console.log(`todo: ${test.name}: ${reason(test.todo)}`);
      // A skipped suite does not even tell of its tests.
      else if (test.skip !== undefined) skipped(test.name, reason(test.skip));
      else if (test.details.type !== 'suite') passed++;
    });
    stream.on('test:fail', (test) => {
      if (!isFile(test)) count(test.file, -1);
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

/** In a process of its own a file is reported as a test whose name is its path, whether or not it ran any. */
function isFile({ name }: { readonly name: string }): boolean {
  return name.endsWith('.test.ts');
}

/** From the first to the last that was heard of a file. */
function secondsOf(file: string): string {
  const { firstMs, lastMs } = heard.get(file) ?? { firstMs: 0, lastMs: 0 };
  return ((lastMs - firstMs) / 1000).toFixed(1);
}

function count(file: string | undefined, change: 1 | -1): void {
  if (file === undefined) return;
  const nowMs = performance.now();
  heard.set(file, { firstMs: heard.get(file)?.firstMs ?? nowMs, lastMs: nowMs });
  filesRan.add(file);
  unended.set(file, (unended.get(file) ?? 0) + change);
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
