/**
 * The part of the gate that runs no test: format and lint, types, dead code. Each must also have looked at
 * something: a checker that silently checks no file would be green for ever.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** What its output must show when it really ran, with the count as its first group. */
  readonly looked?: { readonly shows: RegExp; readonly atLeast: number };
}

const CHECKS: readonly Check[] = [
  {
    name: 'format and lint',
    command: ['biome', 'ci', '--colors=off', '--error-on-warnings', '.'],
    looked: { shows: /Checked (\d+) files/, atLeast: 50 },
  },
  {
    name: 'types',
    command: ['tsc', '-p', '.', '--listFiles'],
    looked: { shows: /\/packages\/[^\n]*\.ts/g, atLeast: 50 },
  },
  { name: 'dead code', command: ['knip', '--no-progress'] },
];

const root = join(import.meta.dirname, '..');
const environment = {
  ...process.env,
  PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}`,
  NO_COLOR: '1',
};
let ok = true;

for (const { name, command, looked } of CHECKS) {
  const startedMs = performance.now();
  const [program = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const output = `${stdout ?? ''}${stderr ?? ''}`;
  const problem = status === 0 ? idle(output, looked) : `exit status ${status}`;
  console.log(
    `check: ${name}: ${problem === undefined ? 'ok' : 'FAILED'} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`,
  );
  if (problem === undefined) continue;
  ok = false;
  console.log(
    output
      .split('\n')
      .filter((line) => !line.startsWith('/'))
      .join('\n'),
  );
  console.log(`check: ${name}: ${problem}`);
}
process.exit(ok ? 0 : 1);

function idle(output: string, looked: Check['looked']): string | undefined {
  if (looked === undefined) return undefined;
  const count = looked.shows.global
    ? (output.match(looked.shows)?.length ?? 0)
    : Number(looked.shows.exec(output)?.[1] ?? 0);
  return count >= looked.atLeast ? undefined : `it looked at ${count} files, at least ${looked.atLeast} are there`;
}
