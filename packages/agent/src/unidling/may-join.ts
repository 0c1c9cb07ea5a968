import type { KubeClient } from '@tenet/kube';
import type { PodObject } from '@tenet/model';
import type { Ip } from '@tenet/std';

/** Settings of `mayJoin`. */
export interface MayJoinOptions {
  readonly client: Pick<KubeClient, 'list'>;
  /** The VNID of a project; undefined when it has none. */
  readonly vnidOf: (namespace: string) => number | undefined;
  /** The project whose service is asked. */
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** Nobody waits for longer than a client is tried to be joined. */
const ANSWER_WITHIN_MS = 3_000;

/**
 * Whether this node may connect a client of a project's service to the pod that has the address. To the flow tables the
 * node is global and may reach every pod, and anybody can write an endpoint: so what table 80 would ask of the client
 * is asked here, that the pod is of the service's project or of a global one. Nothing but pods is joined: other
 * endpoints are for the rules, which clients find when they come again.
 */
export async function mayJoin(ip: Ip, { client, vnidOf, namespace, signal }: MayJoinOptions): Promise<boolean> {
  const vnid = vnidOf(namespace);
  if (vnid === undefined) return false;
  const { items } = await client.list('Pod', {
    fieldSelector: `status.podIP=${ip}`,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
  });
  const owners = items.filter(holdsItsAddress).map((pod) => vnidOf(pod.metadata.namespace ?? ''));
  // A pod that left may still be listed with an address that another has now; of two that have it nobody knows whose it is.
  return owners.length > 0 && owners.every((owner) => owner === vnid || owner === 0);
}

/** One with the node's network has the node's address, and one that ended has none any more. */
function holdsItsAddress({ spec, status }: PodObject): boolean {
  return spec.hostNetwork !== true && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}
