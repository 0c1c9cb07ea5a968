import { failLab } from './errors.ts';
import { restoreUplink } from './network/node-switch.ts';
import { type Daemon, startDaemon } from './process/daemon.ts';
import { waitUntil } from './process/wait-until.ts';
import type { Lab } from './state/lab-state.ts';
import { isAlive, kill, type LiveProcess } from './state/live-process.ts';
import { type RecordedProcess, recordedProcesses } from './status/what-runs.ts';

/**
 * Ends one daemon of a lab as a fault would, by SIGKILL unless told otherwise, and returns what ended once it has.
 * Daemons are named as in the record: `controller`, `kubelet`, `dt-infra1/agent`, `dt-infra1/ovs-vswitchd`.
 * UNKNOWN_DAEMON when there was never one of that name; one that has ended already is left in peace.
 */
export async function endDaemon(
  lab: Lab,
  name: string,
  { with: how = 'SIGKILL', signal }: { readonly with?: NodeJS.Signals; readonly signal: AbortSignal },
): Promise<LiveProcess> {
  const { pid, startTicks } = recorded(lab, name);
  const target = { pid, startTicks };
  kill(target, how);
  await waitUntil({
    what: `${name} would not end`,
    look: () => !isAlive(target),
    state: () => `process ${pid} still runs after ${how}`,
    deadlineMs: END_DEADLINE_MS,
    pollMs: 1,
    signal,
  });
  return target;
}

/**
 * Starts a daemon of a lab again as it was started first: its namespace, command, environment and log. Returns once it
 * runs, not once it serves; but a node's uplink that ended with its ovs-vswitchd is there again.
 * DAEMON_RUNS when it does, UNKNOWN_DAEMON when there was never one of that name.
 */
export async function startDaemonAgain(lab: Lab, name: string, signal: AbortSignal): Promise<Daemon> {
  const { spec, pid, isAlive: runs } = recorded(lab, name);
  if (runs) failLab('DAEMON_RUNS', { daemon: name, pid });
  const daemon = await startDaemon(lab, spec);
  const node = lab.settings.cluster.nodes.find((each) => name === `${each.name}/ovs-vswitchd`);
  if (node !== undefined) await restoreUplink(lab, node, signal);
  return daemon;
}

/** The agent waits for calls that it has begun. */
const END_DEADLINE_MS = 20_000;

function recorded(lab: Lab, name: string): RecordedProcess {
  const all = recordedProcesses(lab);
  return (
    all.find((each) => each.name === name) ??
    failLab('UNKNOWN_DAEMON', { daemon: name, known: all.map((each) => each.name) })
  );
}
