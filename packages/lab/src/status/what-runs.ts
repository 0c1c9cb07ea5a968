import { isSameBoot, type Lab } from '../state/lab-state.ts';
import { isAlive, type LiveProcess } from '../state/live-process.ts';
import { type DaemonSpec, readRecord } from '../state/record.ts';

/** A process on record, and whether it still runs. */
export interface RecordedProcess extends LiveProcess {
  readonly name: string;
  readonly spec: DaemonSpec;
  readonly isAlive: boolean;
}

/** Every process of the lab; of one that was started again, the last. */
export function recordedProcesses(lab: Lab): RecordedProcess[] {
  const sameBoot = isSameBoot(lab);
  const byName = new Map<string, RecordedProcess>();
  for (const made of readRecord(lab.paths.record)) {
    if (made.kind !== 'process') continue;
    const { spec, pid, startTicks } = made;
    byName.set(spec.name, { name: spec.name, spec, pid, startTicks, isAlive: sameBoot && isAlive(made) });
  }
  return [...byName.values()];
}

/** One phrase for somebody who wanted to bring a second one up. */
export function whatRuns(lab: Lab): string {
  const processes = recordedProcesses(lab);
  const dead = processes.filter((each) => !each.isAlive);
  const { nodes, pods } = lab.settings.cluster;
  const size = `${nodes.map(({ name }) => name).join(' and ')} with ${pods.length} pods`;
  if (dead.length === 0) return `${size}, ${processes.length} processes run`;
  return `${size}, but ${dead.length} of ${processes.length} processes have ended (${dead.map(({ name }) => name).join(', ')})`;
}
