/**
 * Churn: pods come and go on a real lab while its daemons are killed and started again, projects are joined and
 * isolated, and everybody tries to reach everybody. What must hold: nothing arrives across tenants, pods that live on
 * lose nothing while a switch runs, and at the end nothing is left of what has gone.
 */
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endpointsOf, labHealth, openLab, proveIsolation } from '@tenet/lab';
import { apiVersionOf } from '@tenet/model';
import { unixctl } from '@tenet/ovsdb';
import { type PrivateLab, privateLab } from '../e2e/private-lab.ts';
import { type CastPod, PROJECTS, projectOf, SETTLED } from './cast.ts';
import { type Asked, type Churned, churnPods, podObject, untilReady } from './churn-pods.ts';
import { Ears, type Leak } from './ears.ts';
import { type Kills, killDaemons } from './kill-daemons.ts';
import { takeBefore, untilSettled } from './leftovers.ts';
import { type Seeded, seeded } from './seeded.ts';
import { shiftProjects } from './shift-projects.ts';
import { SteadyPing } from './steady-ping.ts';

export interface ChurnOptions {
  /** Any text: the same one makes the same choices. */
  readonly seed: string;
  /** So many come and go, unless the time is over before. */
  readonly pods: number;
  readonly workers: number;
  /** No pod is begun later than this; those that are there come to their end. */
  readonly mostMs: number;
  /** How long each lane waits between two kills, at least and at most. */
  readonly killPauseMs: readonly [low: number, high: number];
}

/** What was seen. */
export interface ChurnReport {
  readonly seconds: number;
  readonly churned: Churned;
  readonly kills: Kills;
  /** Requests to join and to isolate that were answered. */
  readonly shifted: number;
  readonly leaks: readonly Leak[];
  readonly heard: ReadonlyMap<string, number>;
  readonly pings: readonly SteadyPing[];
  readonly leftovers: readonly string[];
  /** Pairs of endpoints that did not behave as they should when all was over. */
  readonly unproven: readonly string[];
  /** Where the logs of the lab are, when something was wrong. */
  readonly logs: string | undefined;
}

const READY_DEADLINE_MS = 60_000;

export async function churn(options: ChurnOptions): Promise<ChurnReport> {
  await using lab = await privateLab();
  const stop = new AbortController();
  const startMs = performance.now();
  try {
    const homes = await timed('pods that stay', makeHomes(lab));
    const before = await timed('a look before', takeBefore(lab, stop.signal));
    const seen = await timed('churn', during(lab, { homes, options, stop }));
    const leftovers = await timed('settling', untilSettled(lab, before, stop.signal));
    const unproven = await timed('isolation', proveAfterwards(lab, stop.signal));
    const report = { ...seen, leftovers, unproven, seconds: (performance.now() - startMs) / 1000 };
    return { ...report, logs: isInOrder(report) ? undefined : await keepLogs(lab, report.kills.events) };
  } catch (error) {
    stop.abort();
    console.log(`# logs are kept in ${await keepLogs(lab)}`);
    throw error;
  }
}

async function timed<T>(what: string, part: Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await part;
  console.log(`# ${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}

/** What `churn` found wrong, in sentences: none when all held. */
export function faultsOf({ churned, kills, leaks, pings, leftovers, unproven }: Omit<ChurnReport, 'logs'>): string[] {
  return [
    ...leaks.map(({ at, from, to, how }) => `LEAK ${at}: ${how} from ${from} arrived at ${to}`),
    ...pings.flatMap((ping) => lossesOf(ping)),
    ...churned.stuck.map((sentence) => `STUCK ${sentence}`),
    ...kills.endedAlone,
    ...leftovers.map((sentence) => `LEFT OVER ${sentence}`),
    ...unproven,
  ];
}

function isInOrder(report: Omit<ChurnReport, 'logs'>): boolean {
  return faultsOf(report).length === 0;
}

function lossesOf(ping: SteadyPing): string[] {
  const { unexcused, outages, name } = ping;
  const wall = (ms: number) => new Date(performance.timeOrigin + ms).toISOString();
  const [first] = unexcused;
  return [
    ...(first === undefined
      ? []
      : [
          `LOST ${name}: ${unexcused.length} pings while its switches ran, ${unexcused
            .map(({ sentMs }) => wall(sentMs))
            .slice(0, 5)
            .join(', ')}`,
        ]),
    ...outages.flatMap(({ fromMs, untilMs }) =>
      untilMs === undefined ? [`LOST ${name}: no answer since its switch ended at ${wall(fromMs)}`] : [],
    ),
  ];
}

/** Projects, and pods that live from beginning to end: two of each settled project on each node, one of the others. */
async function makeHomes(lab: PrivateLab): Promise<CastPod[]> {
  const nodes = openLab(lab.paths.state).settings.cluster.nodes.map(({ name }) => name);
  for (const { name } of PROJECTS) {
    if ((await lab.kube.get('NetNamespace', { name })) !== undefined) continue;
    await lab.kube.create('Namespace', {
      apiVersion: apiVersionOf('Namespace'),
      kind: 'Namespace',
      metadata: { name },
    });
  }
  const wanted = PROJECTS.flatMap((project) =>
    nodes.flatMap((node, at) =>
      Array.from({ length: SETTLED.includes(project) ? 2 : 1 }, (_, number) => ({
        project,
        node,
        name: `home-${at}-${number}`,
      })),
    ),
  );
  return Promise.all(
    wanted.map(async (home) => {
      const { project, node, name } = home;
      const { metadata } = await lab.kube.create('Pod', podObject({ namespace: project.name, name, node }));
      const asked: Asked = { ...home, uid: metadata.uid ?? '' };
      return untilReady(lab, asked, READY_DEADLINE_MS);
    }),
  );
}

interface During {
  readonly homes: readonly CastPod[];
  readonly options: ChurnOptions;
  readonly stop: AbortController;
}

type Seen = Pick<ChurnReport, 'churned' | 'kills' | 'shifted' | 'leaks' | 'heard' | 'pings'>;

/** All at once, until the last pod has come and gone; then what was killed is brought back. */
async function during(lab: PrivateLab, { homes, options, stop }: During): Promise<Seen> {
  const { seed, pods, workers, mostMs, killPauseMs } = options;
  const own = openLab(lab.paths.state);
  const choices = (name: string): Seeded => seeded(seed, name);
  using ears = new Ears();
  using listening = new DisposableStack();
  for (const home of homes) listening.use(ears.listen(home));
  const pings = pairsOf(homes).map(([from, to]) => listening.use(new SteadyPing(from, to)));
  const over = new AbortController();
  const signal = AbortSignal.any([stop.signal, over.signal]);
  const enough = AbortSignal.any([stop.signal, AbortSignal.timeout(mostMs)]);
  const nodes = own.settings.cluster.nodes.map(({ name }) => name);
  const ending = <T>(part: Promise<T>) =>
    part.catch((error: unknown) => {
      stop.abort(error);
      throw error;
    });
  const watcher = {
    switchEnds: (node: string) => {
      for (const ping of pings) ping.switchEnds(node);
    },
    switchStarts: (node: string) => {
      for (const ping of pings) ping.switchStarts(node);
    },
  };
  const [churned, kills, shifted] = await Promise.all([
    ending(churnPods({ lab, ears, nodes, pods, workers, signal: enough }, choices).finally(() => over.abort())),
    ending(killDaemons({ lab: own, watchers: [watcher], pauseMs: killPauseMs, signal }, choices)),
    ending(shiftProjects(lab.kube, choices('projects'), signal)),
  ]);
  await Promise.all(pings.map((ping) => untilAnswered(ping)));
  await Promise.all(pings.map((ping) => ping.finish()));
  return { churned, kills, shifted, leaks: ears.leaks, heard: ears.heard, pings };
}

/** Long enough for a switch that was killed last to get its flows and its neighbours back. */
const OUTAGE_DEADLINE_MS = 60_000;

async function untilAnswered(ping: SteadyPing): Promise<void> {
  const endMs = performance.now() + OUTAGE_DEADLINE_MS;
  while (ping.outages.some(({ untilMs }) => untilMs === undefined) && performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Of each settled project: both pods of a node, both ways round on one node, and one of each node. */
function pairsOf(homes: readonly CastPod[]): [CastPod, CastPod][] {
  return SETTLED.flatMap(({ name }) => {
    const own = homes.filter((home) => projectOf(home.name) === name);
    return own.flatMap((from, at) => own.slice(at + 1).map((to): [CastPod, CastPod] => [from, to]));
  });
}

/** Two that must not meet, on either node: all pairs of all pods would take minutes. */
const PROVED = SETTLED.slice(0, 2).map(({ name }) => name);

/** Those pairs of pods, nodes and outside that do not behave as they should, in sentences. */
async function proveAfterwards(lab: PrivateLab, signal: AbortSignal): Promise<string[]> {
  const own = openLab(lab.paths.state);
  const { status, problems } = await labHealth(own, signal);
  if (problems.length > 0) return [`AFTERWARDS isolation is not proved: ${problems.join('; ')}`];
  const pods = PROVED.flatMap((project) =>
    status.nodes.flatMap(({ name }) =>
      status.pods.filter(({ namespace, node }) => namespace === project && node === name).slice(0, 1),
    ),
  );
  const findings = await proveIsolation(own, endpointsOf(own, { ...status, pods }), signal);
  return findings.flatMap(({ from, to, expectation, outcome, isAsExpected }) =>
    isAsExpected
      ? []
      : [`AFTERWARDS ${from.name} to ${to.name}: ${JSON.stringify(outcome)} instead of ${expectation.kind}`],
  );
}

/** What a switch knows of what it has dropped, and why. */
const SWITCH_SAYS = ['coverage/show', 'dpctl/show', 'ovs/route/show', 'tnl/neigh/show', 'tnl/ports/show'];

/** The lab goes, its logs and its switches' counters stay for whoever wants to know what happened. */
async function keepLogs(lab: PrivateLab, kills: readonly string[] = []): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tenet-churn-'));
  await cp(lab.paths.logs, directory, { recursive: true });
  await writeFile(join(directory, 'kills.txt'), kills.map((line) => `${line}\n`).join(''));
  for (const { name } of openLab(lab.paths.state).settings.cluster.nodes) {
    const { unixctl: control } = lab.paths.node(name);
    const said = SWITCH_SAYS.map(async (command) => `${command}\n${await unixctl(control, command).catch(String)}`);
    // Packet sockets that lost frames because nobody read them in time: the last number of `skmem`.
    const sockets = lab.inNetns(`node/${name}`, 'ss', '--packet', '--memory', '--extended').catch(String);
    await writeFile(join(directory, name, 'switch.txt'), (await Promise.all([...said, sockets])).join('\n'));
  }
  return directory;
}
