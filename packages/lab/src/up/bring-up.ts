import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { type KubeClient, openKubeClient } from '@tenet/kube';
import { ARTICLE_CLUSTER } from '../cluster/article-cluster.ts';
import { takeDown } from '../down.ts';
import { failLab } from '../errors.ts';
import { isPodReady } from '../kubelet/pod-status.ts';
import { startNode } from '../network/node-switch.ts';
import { makeUnderlay, plugNodeIn } from '../network/underlay.ts';
import { type Daemon, LOG_LINES, startDaemon } from '../process/daemon.ts';
import { lastLines } from '../process/tail.ts';
import { waitUntil } from '../process/wait-until.ts';
import { labPaths } from '../state/lab-paths.ts';
import { claimLab, type Datapath, findLab, type Lab, type ProxyMode } from '../state/lab-state.ts';
import { readStatus } from '../status/lab-status.ts';
import { whatRuns } from '../status/what-runs.ts';
import { agentConfigurationText } from './agent-configuration.ts';
import { chooseApiPort } from './api-port.ts';
import { awaitServices } from './await-services.ts';
import { createObjects } from './create-objects.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { checkPreconditions } from './preconditions.ts';
import { type Print, type Step, steps } from './steps.ts';

export interface BringUpOptions {
  /** An absolute directory: `/run/tenet-lab`. */
  readonly state: string;
  readonly datapath: Datapath;
  readonly proxy: ProxyMode;
  /** How to run the `tenet` command: the runtime and its main file. */
  readonly tenet: readonly [program: string, ...args: string[]];
  readonly print: Print;
  readonly signal: AbortSignal;
}

/** How long one part may take to be ready on a busy machine. */
const READY_DEADLINE_MS = 60_000;

/**
 * Brings a lab up; returns when every pod answers. On any failure, and when the signal aborts, everything is taken down
 * again. LAB_ALREADY_UP when there is one.
 */
export async function bringUp(options: BringUpOptions): Promise<Lab> {
  const { state, datapath, proxy, print, signal } = options;
  checkPreconditions('tenet lab up');
  const existing = findLab(state);
  if (existing !== undefined) failLab('LAB_ALREADY_UP', { state: existing.paths.state, runs: whatRuns(existing) });
  const startMs = performance.now();
  const stop = new AbortController();
  const apiPort = await chooseApiPort(labPaths(state).id);
  const lab = claimLab(state, { datapath, proxy, apiPort, cluster: ARTICLE_CLUSTER });
  try {
    const step = steps(print, () => performance.now());
    await makeAll(lab, { ...options, signal: AbortSignal.any([signal, stop.signal]) }, { step, stop });
    print(`lab is up after ${((performance.now() - startMs) / 1000).toFixed(1)} s (${lab.paths.state})`);
    return lab;
  } catch (error) {
    await takeDown(lab);
    signal.throwIfAborted();
    throw error;
  }
}

interface Making {
  readonly step: Step;
  /** Ends the other parts when one has failed. */
  readonly stop: AbortController;
}

async function makeAll(lab: Lab, options: BringUpOptions, { step, stop }: Making): Promise<void> {
  const { paths, settings } = lab;
  const { cluster } = settings;
  const { signal } = options;
  const tenet = (name: string, args: readonly string[], namespace?: string) =>
    startDaemon(lab, {
      name,
      command: [...options.tenet, ...args],
      ...(namespace === undefined ? {} : { namespace }),
    });

  await step('underlay, outside and node namespaces', async () => {
    for (const directory of [paths.logs, paths.pods, paths.store])
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    makeUnderlay(lab);
    for (const node of cluster.nodes) plugNodeIn(lab, node);
  });

  writeFileSync(paths.kubeconfig, kubeconfigText(settings.apiPort), { mode: 0o600 });
  await using kube = await openKubeClient({ kubeconfig: paths.kubeconfig, signal, userAgent: 'tenet-lab' });
  const api = step(`API server on 127.0.0.1:${settings.apiPort}, with the cluster's objects`, async () => {
    const daemon = await tenet('api-server', ['lab', 'api-server', '--state', paths.state]);
    await waitUntil({
      what: 'the API server does not answer',
      look: () => answers(kube, daemon),
      deadlineMs: READY_DEADLINE_MS,
      pollMs: 25,
      signal,
    });
    await createObjects(kube, cluster);
    return [daemon];
  });
  const nodes = cluster.nodes.map((node) =>
    step(`Open vSwitch of ${node.name} (${settings.datapath})`, () => startNode(lab, node, signal)),
  );
  const daemons = (await together([api, ...nodes], stop)).flat();

  const stateArguments = ['--state', paths.state];
  const controller = tenet('controller', ['controller', '--kubeconfig', paths.kubeconfig]);
  const kubelet = tenet('kubelet', ['lab', 'kubelet', ...stateArguments]);
  const agents = cluster.nodes.map(({ name }) =>
    step(`agent of ${name}`, async () => {
      const { directory, cni, configuration } = paths.node(name);
      for (const path of [directory, cni.leases, cni.configDirectory, cni.binDirectory])
        mkdirSync(path, { recursive: true });
      writeFileSync(configuration, agentConfigurationText(lab, name), { mode: 0o600 });
      const agent = await tenet(`${name}/agent`, ['node', '--config', configuration], paths.namespace(name));
      await waitUntil({
        what: `the agent of ${name} is not ready`,
        look: () => mustRun([agent, ...daemons]) && hasNetwork(cni.configDirectory),
        state: () => lastLines(agent.logFile, 1) || 'it has said nothing',
        deadlineMs: READY_DEADLINE_MS,
        signal,
      });
      return agent;
    }),
  );
  const all = [...daemons, ...(await together([controller, kubelet, ...agents], stop))];
  await step(`${cluster.pods.length} pods, each wired by the CNI plugin`, () =>
    waitForPods(lab, { kube, daemons: all, signal }),
  );
  await step(`${cluster.services.length} services, each answers on every node`, async () => {
    const { services } = (await readStatus(kube)).status;
    await awaitServices(lab, { services, deadlineMs: READY_DEADLINE_MS, signal });
  });
}

/** Waits for all parts; when one fails the others are stopped and waited for, so that nobody makes more behind our back. */
async function together<T>(parts: readonly Promise<T>[], stop: AbortController): Promise<T[]> {
  try {
    return await Promise.all(parts);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(parts);
    throw error;
  }
}

/** True when the API server answers; the end of its process is an error. */
async function answers(kube: KubeClient, daemon: Daemon): Promise<boolean> {
  daemon.mustRun();
  return kube.list('Node').then(
    () => true,
    () => false,
  );
}

/** The agent writes its network configuration last, when it is ready. */
function hasNetwork(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => name.endsWith('.conflist'));
}

function mustRun(daemons: readonly Daemon[]): true {
  for (const daemon of daemons) daemon.mustRun();
  return true;
}

interface PodWait {
  readonly kube: KubeClient;
  readonly daemons: readonly Daemon[];
  readonly signal: AbortSignal;
}

async function waitForPods(lab: Lab, { kube, daemons, signal }: PodWait): Promise<void> {
  let missing: string[] = [];
  await waitUntil({
    what: 'not every pod is ready',
    async look() {
      mustRun(daemons);
      const { items } = await kube.list('Pod');
      const unready = items.filter((pod) => !isPodReady(pod));
      missing = unready.map(
        ({ metadata, status }) =>
          `${metadata.namespace}/${metadata.name}: ${status?.message ?? 'not seen by the kubelet'}`,
      );
      return unready.length === 0;
    },
    state: () => [missing.join('; '), lastLines(lab.paths.log('kubelet'), LOG_LINES)].join('\n'),
    deadlineMs: READY_DEADLINE_MS,
    pollMs: 50,
    signal,
  });
}
