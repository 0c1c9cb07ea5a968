import type { KubeClient } from '@tenet/kube';
import type { PodObject } from '@tenet/model';
import type { Ip } from '@tenet/std';

export interface ProjectsAtOptions {
  readonly client: Pick<KubeClient, 'list'>;
  readonly signal: AbortSignal;
}

/** Whoever waits for longer is served no better by a late answer. */
const ANSWER_WITHIN_MS = 3_000;

/**
 * The projects of the pods that have an address, as the API server knows them now; none when no pod has it. A pod that
 * left may still be listed with an address that another has by now: of two that have it nobody knows whose it is.
 */
export async function projectsAt(ip: Ip, { client, signal }: ProjectsAtOptions): Promise<readonly string[]> {
  const { items } = await client.list('Pod', {
    fieldSelector: `status.podIP=${ip}`,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
  });
  return [...new Set(items.filter(holdsItsAddress).map(({ metadata }) => metadata.namespace ?? ''))].sort();
}

/**
 * Whether pods of these VNIDs, all that may have an address, are behind a service for all who may ask it: they are of
 * its project or of a global one, as table 80 would ask of a client.
 */
export function areOfProject(pods: readonly (number | undefined)[], vnid: number): boolean {
  return pods.length > 0 && pods.every((pod) => pod === vnid || pod === 0);
}

/** One with the node's network has the node's address, and one that ended has none any more. */
function holdsItsAddress({ spec, status }: PodObject): boolean {
  return spec.hostNetwork !== true && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}
