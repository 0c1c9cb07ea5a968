import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { apiVersionOf, type PodObject } from '@tenet/model';
import { Ip, Mac } from '@tenet/std';
import type { PrivateLab } from '../e2e/private-lab.ts';
import { eventually } from '../eventually.ts';
import { attack } from './attack.ts';
import { type CastPod, PROJECTS, type Project } from './cast.ts';
import type { Ears } from './ears.ts';
import { lastWords } from './last-words.ts';
import type { Seeded } from './seeded.ts';

export interface Churning {
  readonly lab: PrivateLab;
  readonly ears: Ears;
  readonly nodes: readonly string[];
  readonly pods: number;
  readonly workers: number;
  /** No pod is begun after it. */
  readonly signal: AbortSignal;
}

/** What became of the pods. */
export interface Churned {
  created: number;
  /** Those that got as far as being ready. */
  ready: number;
  deleted: number;
  /** Sentences about pods that did not come, or did not go, with what their agent said last. */
  readonly stuck: string[];
  /** From creation to ready, in milliseconds. */
  readonly readyMs: number[];
  /** How often the switch was seen to remember a pod's connection through the host. */
  remembered: number;
}

/** A pod may have to wait for an agent, its switch and the controller to come back, one after the other. */
const READY_DEADLINE_MS = 120_000;
const GONE_DEADLINE_MS = 120_000;
/** How long a pod lives once it is ready. */
const LIFE_MS = [0, 1200] as const;
/** How long the impatient wait before they delete what they have asked for. */
const IMPATIENCE_MS = [0, 800] as const;

/** Creates so many pods and deletes them again, several at a time, and has each probe the others while it lives. */
export async function churnPods(churning: Churning, seeded: (name: string) => Seeded): Promise<Churned> {
  const churned: Churned = { created: 0, ready: 0, deleted: 0, stuck: [], readyMs: [], remembered: 0 };
  let left = churning.pods;
  const next = () => !churning.signal.aborted && left-- > 0;
  await Promise.all(
    Array.from({ length: churning.workers }, async (_, number) => {
      const choices = seeded(`worker ${number}`);
      while (next()) await livePod(churning, churned, { choices, name: `churn-${number}` });
    }),
  );
  return churned;
}

/** Who chooses, and the name that all pods of this worker bear, one after the other. */
interface Worker {
  readonly choices: Seeded;
  readonly name: string;
}

async function livePod(churning: Churning, churned: Churned, { choices, name }: Worker): Promise<void> {
  const { lab, nodes } = churning;
  const project = choices.pick(PROJECTS);
  const node = choices.pick(nodes);
  const isImpatient = choices.isChance(0.15);
  const isOverlapping = choices.isChance(0.3);
  const created = await lab.kube.create('Pod', podObject({ namespace: project.name, name, node }));
  const pod: Asked = { project, name, node, uid: created.metadata.uid ?? '' };
  churned.created++;
  if (isImpatient) await pause(choices.between(...IMPATIENCE_MS));
  else await liveReady(churning, churned, { pod, choices });
  await lab.kube.delete('Pod', { namespace: project.name, name, uid: pod.uid });
  churned.deleted++;
  // The next one of the same name may come while this one is still taken away.
  if (!isOverlapping) await untilGone(churning, churned, pod);
}

/** A pod that was asked for. */
export interface Asked {
  readonly project: Project;
  readonly name: string;
  readonly node: string;
  readonly uid: string;
}

async function liveReady(
  { lab, ears }: Churning,
  churned: Churned,
  { pod, choices }: { readonly pod: Asked; readonly choices: Seeded },
): Promise<void> {
  const startMs = performance.now();
  const ready = await untilReady(lab, pod, READY_DEADLINE_MS).catch((error: unknown) => {
    churned.stuck.push(`${describe(pod)} is not ready: ${String(error)}\n${lastWords(lab.paths, pod.node)}`);
  });
  if (ready === undefined) return;
  churned.ready++;
  churned.readyMs.push(performance.now() - startMs);
  using ear = ears.listen(ready);
  const isRemembered = await attack({ lab, ears, choices }, ear);
  if (isRemembered) churned.remembered++;
  await pause(choices.between(...LIFE_MS));
}

/** The pod with its address, once the kubelet says that it is ready; rejects with why it is not after the deadline. */
export async function untilReady(lab: PrivateLab, asked: Asked, deadlineMs: number): Promise<CastPod> {
  const { project, name, node, uid } = asked;
  let why = 'the kubelet has said nothing';
  const ip = await eventually(
    async () => {
      const object = await lab.kube.get('Pod', { namespace: project.name, name });
      const { podIP, conditions = [], message } = object?.status ?? {};
      why = message ?? why;
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True') ? podIP : undefined;
    },
    { what: `${project.name}/${name} is ready`, deadlineMs },
  ).catch((cause: unknown) => {
    throw new Error(`${why} (${String(cause)})`, { cause });
  });
  const address = Ip.parse(ip);
  const netns = lab.paths.podNamespace({ namespace: project.name, name, uid });
  const mac = Mac.fromIpv4(address);
  return { uid, name: `${project.name}/${name}`, circle: project.circle, node, ip: address, mac, netns };
}

/** Nothing of the pod is left with the kubelet: it has sent its DEL, and the sandbox is gone. */
async function untilGone({ lab }: Churning, churned: Churned, pod: Asked): Promise<void> {
  const sandbox = join(lab.paths.pods, `${pod.uid}.json`);
  await eventually(() => (existsSync(sandbox) ? undefined : true), {
    what: `${describe(pod)} is gone`,
    deadlineMs: GONE_DEADLINE_MS,
  }).catch((error: unknown) => {
    churned.stuck.push(`${describe(pod)}: ${String(error)}\n${lastWords(lab.paths, pod.node)}`);
  });
}

function describe({ project, name, node, uid }: Asked): string {
  return `${project.name}/${name} (${uid}) on ${node}`;
}

/** A pod that is bound to its node already: the lab has no scheduler. */
export function podObject({ namespace, name, node }: { namespace: string; name: string; node: string }): PodObject {
  return {
    apiVersion: apiVersionOf('Pod'),
    kind: 'Pod',
    metadata: { namespace, name },
    spec: { nodeName: node, containers: [{ name: 'answerer', image: 'tenet.io/answerer' }] },
  };
}
