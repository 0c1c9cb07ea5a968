import { execFile } from 'node:child_process';
import { failLab } from '../errors.ts';
import { PATIENCE } from './patience.ts';

/** A program to run to its end. */
export interface Command {
  readonly command: readonly [program: string, ...args: string[]];
  readonly signal: AbortSignal;
}

/** Runs a program and answers its standard output; COMMAND_FAILED with what it said when it fails. */
export function runCommand({ command: [program, ...args], signal }: Command): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { signal, timeout: COMMAND_DEADLINE_MS, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (signal.aborted) return reject(signal.reason);
      try {
        failLab('COMMAND_FAILED', {
          command: [program, ...args].join(' '),
          status: error.code ?? error.signal ?? 'unknown',
          says: stderr.trim() || error.message,
        });
      } catch (failure) {
        reject(failure);
      }
    });
  });
}

const COMMAND_DEADLINE_MS = 20_000 * PATIENCE;
