import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { deleteNamespace } from '@tenet/host';
import { failLab } from './errors.ts';
import { isSameBoot, type Lab, releaseDirectory, tokenAssignment } from './state/lab-state.ts';
import { isAlive, kill, type LiveProcess, liveProcess, processesWithEnvironment } from './state/live-process.ts';
import { readRecord } from './state/record.ts';

/** What `down` found and removed. */
export interface Removed {
  readonly processes: number;
  readonly namespaces: number;
}

/**
 * Takes a lab down: its processes, its namespaces with all that is in them, its files, in that order, so that nothing
 * makes new things meanwhile. Works from the record alone, so also after a kill -9 of everything, and twice.
 */
export async function takeDown(lab: Lab): Promise<Removed> {
  const namespaces = new Set(
    readRecord(lab.paths.record).flatMap((made) => (made.kind === 'namespace' ? [made.path] : [])),
  );
  const processes = isSameBoot(lab) ? await endProcesses(lab, namespaces) : 0;
  // Read again: what was ended last may have made one more.
  for (const made of readRecord(lab.paths.record)) if (made.kind === 'namespace') namespaces.add(made.path);
  let deleted = 0;
  for (const path of namespaces) if (deleteNamespace(path)) deleted++;
  for (const entry of lab.paths.entries) rmSync(join(lab.paths.state, entry), { recursive: true, force: true });
  releaseDirectory(lab);
  return { processes, namespaces: deleted };
}

/** How long the kernel may take to end processes that were killed. */
const END_DEADLINE_MS = 10_000;

/** Ends every process of the lab, again and again until a look finds none: each look may miss what was just started. */
async function endProcesses(lab: Lab, namespaces: ReadonlySet<string>): Promise<number> {
  const ended = new Set<string>();
  const deadline = Date.now() + END_DEADLINE_MS;
  for (;;) {
    const found = processesOf(lab, namespaces);
    if (found.length === 0) return ended.size;
    for (const target of found) if (kill(target)) ended.add(`${target.pid} ${target.startTicks}`);
    if (Date.now() > deadline) {
      failLab('STEP_FAILED', {
        step: 'ending the processes of the lab',
        why: `${found.map(({ pid }) => pid).join(', ')} would not end within ${END_DEADLINE_MS / 1000} s`,
        log: '',
      });
    }
    await pause(5);
  }
}

/**
 * The processes on record, those that bear the lab's token, and those in one of its namespaces (somebody's `lab exec`
 * would keep the namespace alive). Not the one that asks.
 */
function processesOf(lab: Lab, namespaces: ReadonlySet<string>): LiveProcess[] {
  const recorded = readRecord(lab.paths.record).flatMap((made) =>
    made.kind === 'process' && isAlive(made) ? [made] : [],
  );
  const found = [...recorded, ...processesWithEnvironment(tokenAssignment(lab.settings)), ...processesIn(namespaces)];
  const byPid = new Map(found.map((each) => [each.pid, each]));
  byPid.delete(process.pid);
  return [...byPid.values()];
}

/** The processes whose network namespace is one of these. */
function processesIn(namespaces: ReadonlySet<string>): LiveProcess[] {
  const inodes = new Set([...namespaces].flatMap((path) => mountedNamespace(path) ?? []));
  if (inodes.size === 0) return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const inode = /^net:\[(\d+)\]$/.exec(readlinkSync(`/proc/${name}/ns/net`))?.[1];
      return inode !== undefined && inodes.has(inode) ? (liveProcess(Number(name)) ?? []) : [];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

/** The inode of the namespace at a path; undefined when none is mounted there, so that no other inode is taken for it. */
function mountedNamespace(path: string): string | undefined {
  const isMounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.includes(` ${path} `) && line.includes(' - nsfs '));
  return isMounted ? String(statSync(path).ino) : undefined;
}
