import { readFileSync } from 'node:fs';
import type { PrivateLab } from './private-lab.ts';

/** Stops a daemon of the lab without ending it; it goes on at the end of the block. */
export function holdDaemon({ paths }: Pick<PrivateLab, 'paths'>, name: string): Disposable {
  const pid = pidOf(paths.record, name);
  process.kill(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]() {
      process.kill(pid, 'SIGCONT');
    },
  };
}

/** The process that the lab's record names last under this name. */
function pidOf(record: string, name: string): number {
  const lines = readFileSync(record, 'utf8').trim().split('\n');
  const made = lines.map((line) => JSON.parse(line)).findLast(({ spec }) => spec?.name === name);
  return made.pid;
}
