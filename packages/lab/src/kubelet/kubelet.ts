import { mkdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type KubeClient, watchKind } from '@tenet/kube';
import type { PodObject } from '@tenet/model';
import type { Clock, Logger } from '@tenet/std';
import { answerIn } from '../answer/answerer.ts';
import type { NodeSpec } from '../cluster/cluster-spec.ts';
import type { CniNode } from '../cni/run-network.ts';
import { runEndpointSliceController } from '../endpoints/endpoint-slice-controller.ts';
import type { OwnedSlice } from '../endpoints/plan-slices.ts';
import { environmentOf } from '../process/daemon.ts';
import type { Lab } from '../state/lab-state.ts';
import { podStatus, statusPatch } from './pod-status.ts';
import { newContainerId, type PodWorker, startPodWorker } from './pod-worker.ts';
import { runProgram } from './run-program.ts';
import { readSandboxes, type Sandbox } from './sandbox-file.ts';

export interface KubeletOptions {
  readonly lab: Lab;
  readonly kube: KubeClient;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * The kubelet of all nodes of a lab, and the programs of all pods: gives each pod that is bound to one of the nodes a
 * network namespace, has the network plugin wire it, and answers in it. Ends with the signal, leaving pods as they are.
 * EndpointSlices are kept in the same process: the pods that they are about are known here, and one process less starts.
 */
export async function runKubelet({ lab, kube, log, signal }: KubeletOptions): Promise<void> {
  const { paths, settings } = lab;
  const nodes = new Map(settings.cluster.nodes.map((node) => [node.name, node]));
  const workers = new Map<string, PodWorker>();
  /** Pods that answer until their grace is over. */
  const ending = new Set<string>();
  mkdirSync(paths.pods, { recursive: true });
  await using _outside = await answerIn({ name: 'outside', namespace: paths.namespace('outside') });

  const watch = { log, clock: CLOCK, random: Math.random, signal };
  const pods = watchKind(kube, 'Pod', { ...watch, project: (pod) => pod });
  const services = watchKind(kube, 'Service', { ...watch, project: (service) => service });
  const slices = watchKind(kube, 'EndpointSlice', { ...watch, project: (slice): OwnedSlice => slice });
  const controller = runEndpointSliceController({ ...watch, kube, services, pods, slices });
  await pods.synced;

  function sync(): void {
    const wanted = new Map(
      [...pods.entries.values()].flatMap((pod) => (isOurs(pod) ? [[pod.metadata.uid ?? '', pod] as const] : [])),
    );
    for (const [uid, worker] of workers) if (!wanted.has(uid)) worker.remove();
    for (const [uid, pod] of wanted) awaitEnd(uid, pod);
    for (const [uid, pod] of wanted) (workers.get(uid) ?? start(newSandbox(uid, pod))).want(pod);
  }

  const routes = () => ({ services: services.entries.values(), slices: slices.entries.values() });

  function isOurs(pod: PodObject): boolean {
    const { nodeName, hostNetwork } = pod.spec;
    return nodeName !== undefined && nodes.has(nodeName) && hostNetwork !== true && endsInMs(pod) > 0;
  }

  /** A pod that is to go answers until its time is over: looked at again then. */
  function awaitEnd(uid: string, pod: PodObject): void {
    const ms = endsInMs(pod);
    if (!Number.isFinite(ms) || ending.has(uid)) return;
    ending.add(uid);
    CLOCK.sleep(ms, signal).then(
      () => {
        ending.delete(uid);
        sync();
      },
      // The kubelet ends, and the next one finds the pod as it is.
      () => {},
    );
  }

  function newSandbox(uid: string, pod: PodObject): Sandbox {
    const { name, namespace = '' } = pod.metadata;
    const netns = paths.podNamespace({ namespace, name, uid });
    return { uid, namespace, name, node: pod.spec.nodeName ?? '', containerId: newContainerId(), netns };
  }

  function start(sandbox: Sandbox): PodWorker {
    const { uid, namespace, name } = sandbox;
    const node = nodes.get(sandbox.node);
    if (node === undefined) throw new RangeError(`${sandbox.node} is no node of this lab`);
    const worker = startPodWorker(sandbox, {
      node: cniNode(lab, node),
      directory: paths.pods,
      record: paths.record,
      log,
      signal,
      random: Math.random,
      sleep: CLOCK.sleep,
      run: (pod, netns) => runProgram(pod, { namespace: netns, routes }),
      async report(situation) {
        const pod = pods.get(`${namespace}/${name}`);
        if (pod === undefined || pod.metadata.uid !== uid) return;
        const status = podStatus(pod, { hostIp: node.ip, ...situation });
        const patch = statusPatch(pod.status, status, new Date().toISOString());
        if (patch !== undefined) await kube.patch('Pod', { namespace, name, subresource: 'status' }, patch);
      },
    });
    workers.set(uid, worker);
    worker.ended.then(
      () => finish(sandbox),
      (error: unknown) => log.error('pod worker failed', { error }),
    );
    return worker;
  }

  /** A pod that waits for its end in the API may go now. */
  function finish({ uid, namespace, name }: Sandbox): void {
    workers.delete(uid);
    const pod = pods.get(`${namespace}/${name}`);
    if (signal.aborted || pod === undefined || pod.metadata.uid !== uid || endsInMs(pod) > 0) return;
    kube
      .delete('Pod', { namespace, name, uid, graceSeconds: 0 })
      .catch((error: unknown) => log.warn('pod not deleted', { error }));
  }

  for (const sandbox of readSandboxes(paths.pods)) if (nodes.has(sandbox.node)) start(sandbox);
  using _listening = pods.onChange(sync);
  sync();
  await controller;
  await Promise.all([...workers.values()].map((worker) => worker.ended));
}

/** When a pod has answered for long enough: its deletionTimestamp is the end of its grace. Never, for one that stays. */
function endsInMs({ metadata: { deletionTimestamp } }: PodObject): number {
  return deletionTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(deletionTimestamp) - Date.now();
}

function cniNode(lab: Lab, { name }: NodeSpec): CniNode {
  const { configDirectory, binDirectory } = lab.paths.node(name).cni;
  return { namespace: lab.paths.namespace(name), configDirectory, binDirectory, environment: environmentOf(lab) };
}

const CLOCK: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => pause(ms, undefined, signal === undefined ? {} : { signal }),
};
