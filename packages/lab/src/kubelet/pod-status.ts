import type { PodObject } from '@tenet/model';
import { LAB_LABEL } from './lab-annotation.ts';

/** What the kubelet knows of a pod of its nodes. */
export interface PodSituation {
  readonly hostIp: string;
  /** The address that the plugin gave it; undefined until it is wired. */
  readonly podIp?: string | undefined;
  /** Why it is not wired yet. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

type Status = NonNullable<PodObject['status']>;
type Condition = NonNullable<Status['conditions']>[number];

/** The status that a pod ought to have, in the form in which kubelet reports it. */
export function podStatus(pod: PodObject, { hostIp, podIp, failure }: PodSituation): Status {
  if (podIp === undefined) {
    const why = failure ?? { reason: 'ContainerCreating', message: 'its network is being set up' };
    return { phase: 'Pending', hostIP: hostIp, ...why, conditions: conditionsOf(false, why) };
  }
  const isUnready = pod.metadata.labels?.[LAB_LABEL.ready] === 'false';
  const why = { reason: 'ContainersNotReady', message: `the label ${LAB_LABEL.ready} says so` };
  return {
    phase: 'Running',
    hostIP: hostIp,
    podIP: podIp,
    podIPs: [{ ip: podIp }],
    conditions: conditionsOf(!isUnready, isUnready ? why : undefined),
  };
}

function conditionsOf(isReady: boolean, why?: { readonly reason: string; readonly message: string }): Condition[] {
  const status = isReady ? 'True' : 'False';
  return [
    { type: 'PodScheduled', status: 'True' },
    { type: 'Initialized', status: 'True' },
    ...['ContainersReady', 'Ready'].map((type) => ({ type, status, ...why })),
  ];
}

/**
 * The merge patch that turns one status into the other; undefined when nothing need be sent. Fields that must go are
 * null, and conditions keep the time of their last change (`lastTransitionTime`).
 */
export function statusPatch(from: PodObject['status'], to: Status, now: string): object | undefined {
  const have: Record<string, unknown> = { ...from };
  const changes: [string, unknown][] = [];
  for (const field of STATUS_FIELDS) {
    if (field === 'conditions') continue;
    if (JSON.stringify(have[field]) !== JSON.stringify(to[field])) changes.push([field, to[field] ?? null]);
  }
  const conditions = (to.conditions ?? []).map((condition) => dated(condition, from?.conditions, now));
  if (JSON.stringify(from?.conditions?.map(undated)) !== JSON.stringify(conditions.map(undated)))
    changes.push(['conditions', conditions]);
  return changes.length === 0 ? undefined : { status: Object.fromEntries(changes) };
}

/** The fields that this kubelet owns. */
const STATUS_FIELDS = ['phase', 'reason', 'message', 'hostIP', 'podIP', 'podIPs', 'conditions'] as const;

function dated(condition: Condition, before: readonly Condition[] | undefined, now: string): Condition {
  const old = before?.find(({ type }) => type === condition.type);
  const since = old?.status === condition.status && 'lastTransitionTime' in old ? old.lastTransitionTime : now;
  return { ...condition, lastTransitionTime: since } as Condition;
}

function undated({ type, status, reason, message }: Condition): Condition {
  return { type, status, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
}

/** True when the pod's conditions say that it is ready. */
export function isPodReady(pod: PodObject): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}
