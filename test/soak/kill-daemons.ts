import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { deadProcesses, endDaemon, type Lab, startDaemonAgain } from '@tenet/lab';
import { eventually } from '../eventually.ts';
import type { Seeded } from './seeded.ts';

/**
 * Who is told when a node's switch stands still and goes on. That is so without ovs-vswitchd, and in the userspace
 * datapath also without ovsdb-server: its main thread forwards packets only while it holds the database's lock.
 */
interface SwitchWatcher {
  switchEnds(node: string): void;
  switchStarts(node: string): void;
}

export interface Killing {
  readonly lab: Lab;
  readonly watchers: readonly SwitchWatcher[];
  /** How long a lane waits between two kills, at least and at most. */
  readonly pauseMs: readonly [low: number, high: number];
  /** Ends the lanes: each first brings back what it has ended. */
  readonly signal: AbortSignal;
}

/** What was killed how often, and which daemons ended although nobody killed them. */
export interface Kills {
  readonly byDaemon: Map<string, number>;
  /** What was killed and started when, a line each. */
  readonly events: string[];
  readonly endedAlone: string[];
}

/** How long a daemon may take until it serves: a machine with two cores may be busy with other things. */
const SERVES_MS = 60_000;
/** How long what was killed stays away. */
const AWAY_MS = [0, 2000] as const;
/** In which an agent is on its way to being ready. */
const STARTING_MS = [100, 1000] as const;

/** What is killed on a node, and how often in proportion. */
const VICTIMS = ['agent', 'agent', 'agent', 'agent', 'ovs-vswitchd', 'ovs-vswitchd', 'ovsdb-server'] as const;

/**
 * Kills daemons with SIGKILL at random moments and starts them again: one lane a node, so that both nodes may be hit
 * at once, and one for the controller. Resolves when the signal has aborted and everything runs and serves again.
 */
export async function killDaemons(killing: Killing, seeded: (name: string) => Seeded): Promise<Kills> {
  const kills: Kills = { byDaemon: new Map(), events: [], endedAlone: [] };
  const nodes = killing.lab.settings.cluster.nodes.map(({ name }) => name);
  await Promise.all([
    ...nodes.map((node) => lane(killing, kills, { choices: seeded(`kills on ${node}`), node })),
    lane(killing, kills, { choices: seeded('kills of the controller'), node: undefined }),
  ]);
  return kills;
}

interface Lane {
  readonly choices: Seeded;
  /** Undefined for the controller, which runs on no node of the lab. */
  readonly node: string | undefined;
}

async function lane(killing: Killing, kills: Kills, { choices, node }: Lane): Promise<void> {
  const { pauseMs, signal } = killing;
  for (;;) {
    await pause(choices.between(...pauseMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const chosen = node === undefined ? ['controller'] : [`${node}/${choices.pick(VICTIMS)}`];
    // Now and then the agent goes with its switch, as when a machine is short of memory.
    if (node !== undefined && chosen[0] !== `${node}/agent` && choices.isChance(0.3)) chosen.push(`${node}/agent`);
    for (const name of chosen) await kill(killing, kills, name);
    await pause(choices.between(...AWAY_MS));
    // And now and then while it is still starting.
    if (node !== undefined && chosen.at(-1) === `${node}/agent` && choices.isChance(0.25)) {
      await startDaemonAgain(killing.lab, `${node}/agent`, AbortSignal.timeout(SERVES_MS));
      await pause(choices.between(...STARTING_MS));
      await kill(killing, kills, `${node}/agent`);
    }
    for (const name of chosen) await revive(killing, kills, name);
  }
}

async function kill({ lab, watchers }: Killing, kills: Kills, name: string): Promise<void> {
  if (isDead(lab, name)) noteEndedAlone(lab, kills, name);
  const node = nodeOfSwitch(name);
  if (node !== undefined) for (const watcher of watchers) watcher.switchEnds(node);
  await endDaemon(lab, name, { signal: AbortSignal.timeout(SERVES_MS) });
  kills.events.push(`${new Date().toISOString()} ${name} killed`);
  kills.byDaemon.set(name, (kills.byDaemon.get(name) ?? 0) + 1);
}

/** Starts a daemon again, and once more when it ends by itself, as a DaemonSet does; that it did is a finding. */
async function revive({ lab, watchers }: Killing, kills: Kills, name: string): Promise<void> {
  const deadline = AbortSignal.timeout(SERVES_MS);
  const node = nodeOfSwitch(name);
  for (;;) {
    const log = lab.paths.log(name);
    const from = sizeOf(log);
    await startDaemonAgain(lab, name, deadline);
    kills.events.push(`${new Date().toISOString()} ${name} started`);
    if (node !== undefined) for (const watcher of watchers) watcher.switchStarts(node);
    const ready = READY[name.split('/').at(-1) ?? ''];
    if (ready === undefined) return;
    const outcome = await eventually(
      async () => {
        if ((await textFrom(log, from)).includes(ready)) return 'serves';
        return isDead(lab, name) ? 'ended' : undefined;
      },
      { what: `${name} serves again`, deadlineMs: SERVES_MS },
    );
    if (outcome === 'serves') return;
    noteEndedAlone(lab, kills, name);
    deadline.throwIfAborted();
  }
}

/** What a daemon logs when it serves. Open vSwitch's own are told by those who use them. */
const READY: Readonly<Record<string, string>> = { agent: 'node is ready', controller: 'controller started' };

function nodeOfSwitch(name: string): string | undefined {
  const [node, daemon] = name.split('/');
  return daemon === 'ovs-vswitchd' || daemon === 'ovsdb-server' ? node : undefined;
}

/** True for a process on record that has ended. */
function isDead(lab: Lab, name: string): boolean {
  return deadProcesses(lab).some((sentence) => sentence.startsWith(`the process ${name} (`));
}

function noteEndedAlone(lab: Lab, kills: Kills, name: string): void {
  kills.endedAlone.push(`${new Date().toISOString()} ${name} ended by itself: see ${lab.paths.log(name)}`);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

async function textFrom(file: string, position: number): Promise<string> {
  await using opened = await open(file, 'r');
  const bytes = Buffer.alloc(Math.max(0, sizeOf(file) - position));
  await opened.read(bytes, 0, bytes.length, position);
  return bytes.toString('utf8');
}
