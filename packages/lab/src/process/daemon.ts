import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { failLab } from '../errors.ts';
import { type Lab, tokenAssignment } from '../state/lab-state.ts';
import { liveProcess } from '../state/live-process.ts';
import { type DaemonSpec, remember } from '../state/record.ts';
import { lastLines } from './tail.ts';

/** A started process, for those who wait until it is ready. */
export interface Daemon {
  readonly name: string;
  readonly logFile: string;
  /** Throws STEP_FAILED with the end of its log when it has ended. */
  mustRun(): void;
}

/** Starts a process in a session of its own, with its output in a log, and puts it on record. */
export async function startDaemon(lab: Lab, spec: DaemonSpec): Promise<Daemon> {
  const logFile = lab.paths.log(spec.name);
  mkdirSync(dirname(logFile), { recursive: true });
  const [program, ...args] = inside(spec);
  const log = openSync(logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      // A session of its own: Ctrl-C is for the program in the foreground, which then ends us in order.
      detached: true,
      stdio: ['ignore', log, log],
      cwd: '/',
      env: { ...process.env, ...spec.environment, ...environmentOf(lab) },
    });
    await once(child, 'spawn');
  } catch (cause) {
    return failLab('STEP_FAILED', { step: spec.name, why: `${program} does not start`, log: '' }, cause);
  } finally {
    closeSync(log);
  }
  child.unref();
  const live = child.pid === undefined ? undefined : liveProcess(child.pid);
  // Nothing to remember of one that has ended already.
  if (live !== undefined) remember(lab.paths.record, { kind: 'process', spec, ...live });
  return {
    name: spec.name,
    logFile,
    mustRun() {
      if (child.exitCode === null && child.signalCode === null) return;
      failLab('STEP_FAILED', {
        step: spec.name,
        why: child.signalCode === null ? `it ended with status ${child.exitCode}` : `${child.signalCode} ended it`,
        log: lastLines(logFile, LOG_LINES),
      });
    },
  };
}

/** How much of a log a failure shows. */
export const LOG_LINES = 20;

/** nsenter becomes the program, so that the process number stays that of the child. */
function inside({ namespace, command }: DaemonSpec): DaemonSpec['command'] {
  return namespace === undefined ? command : ['nsenter', `--net=${namespace}`, '--', ...command];
}

/** What marks the processes of this lab. */
export function environmentOf(lab: Lab): Record<string, string> {
  const [name, value] = tokenAssignment(lab.settings).split('=', 2) as [string, string];
  return { [name]: value };
}
