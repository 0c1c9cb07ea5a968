/**
 * Runs the e2e tests on the kernel's datapath, in a machine with Debian's stock kernel: `run.ts [FILE]…`, all that are for
 * it by default. Last line: `N passed, N failed in N files`.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempDisposableSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { sweep } from '../../test/integration/sweep.ts';
import { boot } from './boot.ts';
import { bundle } from './bundle.ts';
import { makeInitramfs } from './initramfs.ts';
import { NOT_HERE } from './not-here.ts';
import { sourcePlaces } from './source-places.ts';

/** Where a kernel is kept for all checkouts of this machine: it takes 400 MB. */
const CACHE = '/var/cache/tenet/kernel';
/** Longer than any test may take. */
const SILENCE_MS = 600_000;
const DEADLINE_MS = 1_800_000;
/** By how much deadlines grow: an emulated CPU is that much slower. */
const PATIENCE = 10;

const root = join(import.meta.dirname, '../..');
const NAME = 'tenet-kernel';

sweep(NAME);
const files = filesFor(process.argv.slice(2).map((file) => basename(file)));
using work = mkdtempDisposableSync(join(tmpdir(), `${NAME}-${process.pid}-`));
const bundles = join(work.path, 'bundles');
mkdirSync(bundles);
const preparing = stopwatch();
await bundle({
  directory: bundles,
  entries: {
    tenet: join(root, 'packages/cli/src/main.ts'),
    guest: join(import.meta.dirname, 'guest.ts'),
    ...Object.fromEntries(files.map((name) => [basename(name, '.ts'), join(root, 'test/e2e', name)])),
  },
});
const kernel = unpackedKernel();
const [release = ''] = readdirSync(join(kernel, 'lib/modules'));
const script = join(work.path, 'script');
writeFileSync(script, scriptFor(files));
const initramfs = makeInitramfs({ kernel, release, directory: work.path });
console.log(`kernel: ${basename(kernel)} and ${files.length} files, ready after ${preparing()}`);
const booting = stopwatch();
const inSources = sourcePlaces({ bundles, root });
let lines = 0;
let count = '';
const status = await boot({
  kernel,
  release,
  initramfs,
  keep: [root, work.path],
  script,
  silenceMs: SILENCE_MS,
  signal: AbortSignal.timeout(DEADLINE_MS),
  onLine(line) {
    if (lines++ === 0) console.log(`kernel: boots in ${booting()}`);
    if (/^\d+ passed, \d+ failed in \d+ files$/.test(line)) count = line;
    else console.log(inSources(line));
  },
});
console.log(`kernel: ran for ${booting()}`);
console.log(count);
process.exitCode = status;

/** The files that were asked for, or all that are for this datapath; says which are not. */
function filesFor(wanted: readonly string[]): string[] {
  const present = globSync('*.e2e.test.ts', { cwd: join(root, 'test/e2e') }).sort();
  if (wanted.length > 0) return present.filter((name) => wanted.includes(name));
  for (const [name, why] of Object.entries(NOT_HERE)) {
    if (!present.includes(name)) throw new Error(`there is no ${name} that could stay away`);
    console.log(`kernel: without ${name}: ${why}`);
  }
  return present.filter((name) => NOT_HERE[name] === undefined);
}

function unpackedKernel(): string {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return execFileSync(join(import.meta.dirname, 'unpack-kernel'), [CACHE], {
    encoding: 'utf8',
    stdio: [...stdio],
  }).trim();
}

function scriptFor(names: readonly string[]): string {
  const environment = {
    TENET_MAIN: join(bundles, 'tenet.js'),
    TENET_LAB_PATIENCE: PATIENCE,
    TENET_REQUIRE_NET: process.env.TENET_REQUIRE_NET ?? '',
  };
  const settings = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'\n`);
  const tests = names.map((name) => join(bundles, basename(name, '.ts')).concat('.js'));
  const guest = [join(root, 'tools/node'), join(bundles, 'guest.js'), ...tests];
  return `${settings.join('')}cd '${root}'\nexec ${guest.map((word) => `'${word}'`).join(' ')}\n`;
}

function stopwatch(): () => string {
  const startedMs = performance.now();
  return () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}
