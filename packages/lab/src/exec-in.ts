import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Lab } from './state/lab-state.ts';
import { namespaceOf } from './targets.ts';

/**
 * Runs a program in the network namespace of a target, with our own input and output, and answers its exit status:
 * 128 and the number when a signal ended it, as shells have it. UNKNOWN_TARGET for a name that is not there.
 */
export async function execIn(lab: Lab, target: string, command: readonly string[]): Promise<number> {
  const namespace = namespaceOf(lab, target);
  const child = spawn('nsenter', [`--net=${namespace}`, '--', ...command], { stdio: 'inherit' });
  // From a terminal both get Ctrl-C, and what it means is the program's affair; what is sent to us alone is passed on.
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  const stay = () => {};
  process.on('SIGINT', stay).on('SIGTERM', forward).on('SIGHUP', forward);
  try {
    await once(child, 'exit');
  } finally {
    process.off('SIGINT', stay).off('SIGTERM', forward).off('SIGHUP', forward);
  }
  return child.signalCode === null ? (child.exitCode ?? 0) : 128 + constants.signals[child.signalCode];
}
