/**
 * Runs the tests and counts them: `test.ts [unit|integration|e2e|kernel]…`, all four by default, cheap ones first.
 * A test runner that finds no file says "ok", so this one fails when fewer files ran than there are; and with
 * TENET_REQUIRE_NET=1, as the gate sets it, a skipped test is a failed one. Last line, however it ends:
 * `N passed, N failed`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { type RunOptions, Tally } from './tally.ts';

interface Kind extends Pick<RunOptions, 'isolation' | 'timeoutMs'> {
  readonly pattern: RegExp;
}

const KINDS: Readonly<Record<string, Kind>> = {
  unit: { pattern: /^(packages|tools)\/.*\.test\.ts$/, isolation: 'none', timeoutMs: 60_000 },
  integration: { pattern: /^test\/integration\/.*\.net\.test\.ts$/, isolation: 'process', timeoutMs: 240_000 },
  e2e: { pattern: /^test\/e2e\/.*\.e2e\.test\.ts$/, isolation: 'process', timeoutMs: 300_000 },
};

/** Those of e2e again, on the kernel's datapath: it needs another kernel, so another program boots one and counts. */
const KERNEL = 'kernel';

const root = join(import.meta.dirname, '..');
// A lab alone starts six processes from hundreds of sources: each source is compiled once for all of them.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/node');
const tally = new Tally();
let isThrough = false;

const names = [...Object.keys(KINDS), KERNEL];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`tenet: no tests of kind ${unknown.join(', ')}: choose from ${names.join(', ')}`);
  process.exit(64);
}

// Unit tests share this process: one that calls process.exit() must not end the run as if all were well.
process.on('exit', () => {
  if (!isThrough) tally.fault('the run ended before all tests had: look for a process.exit() in what is tested');
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
});
try {
  await runAll();
} catch (error) {
  tally.fault(`the tests could not be run: ${error instanceof Error ? error.stack : error}`);
}
isThrough = true;
process.exit();

async function runAll(): Promise<void> {
  const present = filesHere();
  let filesWanted = 0;
  for (const [name, kind] of Object.entries(KINDS)) {
    if (!isWanted(name)) continue;
    const files = present.filter((file) => kind.pattern.test(file)).map((file) => join(root, file));
    filesWanted += files.length;
    if (files.length === 0) continue;
    const startedMs = performance.now();
    await tally.runFiles(files, { root, ...kind });
    if (kind.isolation === 'process')
      for (const file of files) console.log(`  ${relative(root, file)}: ${tally.secondsOf(file)} s`);
    console.log(`${name}: ${files.length} files in ${secondsSince(startedMs)} s`);
  }
  tally.close();
  if (isWanted(KERNEL)) {
    const startedMs = performance.now();
    const files = await runKernel();
    filesWanted += files;
    console.log(`${KERNEL}: ${files} files in ${secondsSince(startedMs)} s`);
  }
  if (filesWanted === 0) tally.fault('there is no test file');
}

/** Adds what the other program counts; its last line says how many of how many files. Answers the number of files. */
async function runKernel(): Promise<number> {
  // Asked for by name, it takes the time that it takes.
  const program = ['tools/kernel/run.ts', ...(wanted.includes(KERNEL) ? ['--all'] : [])];
  const child = spawn(process.execPath, program, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let counted: RegExpExecArray | null = null;
  for await (const line of createInterface(child.stdout)) {
    counted = /^(\d+) passed, (\d+) failed in (\d+) files$/.exec(line);
    if (counted === null) console.log(line);
  }
  await ended;
  if (counted === null) {
    tally.fault(`the kernel's tests ended with status ${child.exitCode ?? child.signalCode} and no count`);
    return 0;
  }
  const [passed = 0, failed = 0, files = 0] = counted.slice(1).map(Number);
  tally.passed += passed;
  tally.failed += failed;
  if (failed === 0 && child.exitCode !== 0)
    tally.fault(`the kernel's tests ended with status ${child.exitCode ?? child.signalCode}`);
  return files;
}

function isWanted(name: string): boolean {
  return wanted.length === 0 || wanted.includes(name);
}

function secondsSince(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(1);
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
