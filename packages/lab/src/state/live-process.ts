import { readdirSync, readFileSync } from 'node:fs';

/** A process that cannot be taken for another: numbers are used again, a number with its start time is not. */
export interface LiveProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot (proc(5)). */
  readonly startTicks: number;
}

/** The process with this number, if it runs. One that has ended but was not waited for does not run. */
export function liveProcess(pid: number): LiveProcess | undefined {
  const stat = readOptional(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const { state, startTicks } = parseStat(stat);
  return state === 'Z' || state === 'X' ? undefined : { pid, startTicks };
}

/** State and start time from the text of /proc/PID/stat. The name before them may hold spaces and parentheses. */
export function parseStat(text: string): { readonly state: string; readonly startTicks: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
}

/** True while exactly this process runs. */
export function isAlive({ pid, startTicks }: LiveProcess): boolean {
  return liveProcess(pid)?.startTicks === startTicks;
}

/** Every process that was started with this assignment in its environment, or below one that was. */
export function processesWithEnvironment(assignment: string): LiveProcess[] {
  return numbersOfAll().flatMap((pid) => {
    const environment = readOptional(`/proc/${pid}/environ`);
    if (environment === undefined || !environment.split('\0').includes(assignment)) return [];
    return liveProcess(pid) ?? [];
  });
}

/** Ends a process at once, or as another signal has it; false when it had ended before. */
export function kill(target: LiveProcess, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  if (!isAlive(target)) return false;
  try {
    return process.kill(target.pid, signal);
  } catch {
    return false;
  }
}

function numbersOfAll(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A file of a process that may end at any moment. */
function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
