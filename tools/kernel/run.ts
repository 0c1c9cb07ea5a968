/**
 * Runs the e2e tests on the kernel's datapath, in two machines with Debian's stock kernel: `run.ts [--all | FILE…]`, by
 * default those for which the gate has time. Last line: `N passed, N failed in N files`.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempDisposableSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { sweep } from '../../test/integration/sweep.ts';
import { type BootOptions, boot } from './boot.ts';
import { bundle } from './bundle.ts';
import { makeInitramfs } from './initramfs.ts';
import { NOT_HERE, NOT_IN_THE_GATE } from './not-here.ts';
import { sourcePlaces } from './source-places.ts';

/** Where a kernel is kept for all checkouts of this machine: it takes 400 MB. */
const CACHE = '/var/cache/tenet/kernel';
/** An emulated machine uses one CPU; each has a lab of its own and its share of the files. */
const MACHINES = 2;
/** About how long each file takes, in seconds, so that the machines end at about the same time. */
const SECONDS: Readonly<Record<string, number>> = {
  'restarts.e2e.test.ts': 330,
  'services.e2e.test.ts': 146,
  'guards.e2e.test.ts': 116,
  'reachability.e2e.test.ts': 80,
  'projects.e2e.test.ts': 72,
  'open-vswitch-restarts.e2e.test.ts': 55,
  'attacks.e2e.test.ts': 40,
};
const UNKNOWN_SECONDS = 60;
/** Longer than any test may take. */
const SILENCE_MS = 600_000;
const DEADLINE_MS = 1_800_000;
/** By how much deadlines grow: there is one CPU for a whole lab. */
const PATIENCE = 4;

const root = join(import.meta.dirname, '../..');
const NAME = 'tenet-kernel';

/** What was counted in a machine. */
interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly files: number;
}

sweep(NAME);
const files = filesFor(process.argv.slice(2).map((file) => basename(file)));
using work = mkdtempDisposableSync(join(tmpdir(), `${NAME}-${process.pid}-`));
const bundles = join(work.path, 'bundles');
mkdirSync(bundles);
const sinceStart = stopwatch();
await bundle({
  directory: bundles,
  entries: {
    tenet: join(root, 'packages/cli/src/main.ts'),
    guest: join(import.meta.dirname, 'guest.ts'),
    ...Object.fromEntries([...files, ...forked()].map((name) => [basename(name, '.ts'), join(root, 'test/e2e', name)])),
  },
});
const inSources = sourcePlaces({ bundles, root });
const kernel = unpackedKernel();
const [release = ''] = readdirSync(join(kernel, 'lib/modules'));
const initramfs = makeInitramfs({ kernel, release, directory: work.path });
console.log(`kernel: ${basename(kernel)} and ${files.length} files, ready after ${sinceStart()} s`);

const shares = sharesOf(files);
const counts = await Promise.all(shares.map((share, at) => runShare(share, `${at + 1}`)));
const sum = (of: keyof Count) => counts.reduce((total, count) => total + count[of], 0);
console.log(`${sum('passed')} passed, ${sum('failed')} failed in ${sum('files')} files`);
process.exitCode = sum('failed') === 0 && sum('files') === files.length ? 0 : 1;

/** The files that were asked for, or those that are for this datapath; says which are not. */
function filesFor(asked: readonly string[]): string[] {
  const present = globSync('*.e2e.test.ts', { cwd: join(root, 'test/e2e') }).sort();
  const isAll = asked.includes('--all');
  if (asked.length > 0 && !isAll) {
    for (const name of asked) if (!present.includes(name)) throw new Error(`there is no test/e2e/${name}`);
    return present.filter((name) => asked.includes(name));
  }
  const without = isAll ? NOT_HERE : { ...NOT_HERE, ...NOT_IN_THE_GATE };
  for (const [name, why] of Object.entries(without)) {
    if (!present.includes(name)) throw new Error(`there is no ${name} that could stay away`);
    console.log(`kernel: without ${name}: ${why}`);
  }
  return present.filter((name) => without[name] === undefined);
}

/** What tests run as a process of its own. */
function forked(): string[] {
  return globSync('*-process.ts', { cwd: join(root, 'test/e2e') });
}

/** Longest first, each to the machine that has least to do. */
function sharesOf(all: readonly string[]): string[][] {
  const machines = Array.from({ length: MACHINES }, () => ({ seconds: 0, files: [] as string[] }));
  const secondsOf = (name: string) => SECONDS[name] ?? UNKNOWN_SECONDS;
  for (const name of all.toSorted((a, b) => secondsOf(b) - secondsOf(a))) {
    const least = machines.reduce((a, b) => (b.seconds < a.seconds ? b : a));
    least.files.push(name);
    least.seconds += secondsOf(name);
  }
  return machines.map((machine) => machine.files);
}

function unpackedKernel(): string {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const program = join(import.meta.dirname, 'unpack-kernel');
  return execFileSync(program, [CACHE], { encoding: 'utf8', stdio: [...stdio] }).trim();
}

/** Runs files in a machine and prints what comes out of it; a machine that does not come to its end counts as a failure. */
async function runShare(share: readonly string[], name: string): Promise<Count> {
  if (share.length === 0) return { passed: 0, failed: 0, files: 0 };
  const say = (line: string) => console.log(`${name}│ ${line}`);
  const script = join(work.path, `script-${name}`);
  writeFileSync(script, scriptFor(share));
  const sinceBoot = stopwatch();
  let lap = stopwatch();
  let lines = 0;
  let count: Count = { passed: 0, failed: 0, files: 0 };
  const options: BootOptions = {
    kernel,
    release,
    initramfs,
    keep: [root, work.path],
    script,
    silenceMs: SILENCE_MS,
    signal: AbortSignal.timeout(DEADLINE_MS),
    onLine(line) {
      if (lines++ === 0) {
        say(`booted in ${lap()} s`);
        lap = stopwatch();
      }
      const [, passed, failed, ran] = /^(\d+) passed, (\d+) failed in (\d+) files$/.exec(line) ?? [];
      if (ran !== undefined) count = { passed: Number(passed), failed: Number(failed), files: Number(ran) };
      else if (/^(lab \w+ took| {2}\S+: )/.test(line)) {
        say(`${line} of its own time, ${lap()} s out here`);
        lap = stopwatch();
      } else say(inSources(line));
    },
  };
  try {
    const status = await boot(options);
    if (count.files === share.length && (status === 0) === (count.failed === 0)) return count;
    say(`FAILED the script ended with ${status} after ${count.files} of ${share.length} files`);
  } catch (error) {
    say(`FAILED after ${sinceBoot()} s and ${lines} lines: ${error instanceof Error ? error.message : error}`);
  }
  return { ...count, failed: count.failed + 1 };
}

function scriptFor(share: readonly string[]): string {
  const environment = {
    TENET_MAIN: join(bundles, 'tenet.js'),
    TENET_LAB_PATIENCE: PATIENCE,
    TENET_REQUIRE_NET: process.env.TENET_REQUIRE_NET ?? '',
  };
  const settings = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'\n`);
  const tests = share.map((name) => join(bundles, `${basename(name, '.ts')}.js`));
  const guest = [join(root, 'tools/node'), join(bundles, 'guest.js'), ...tests];
  return `${settings.join('')}cd '${root}'\nexec ${guest.map((word) => `'${word}'`).join(' ')}\n`;
}

/** The seconds since this call, whenever it is asked for. */
function stopwatch(): () => string {
  const startedMs = performance.now();
  return () => ((performance.now() - startedMs) / 1000).toFixed(1);
}
