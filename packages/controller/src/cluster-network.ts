import type { WatchCache } from '@tenet/kube';
import { type ClusterNetwork, type ClusterNetworkObject, parseClusterNetwork } from '@tenet/model';
import type { Clock, Logger } from '@tenet/std';
import { controllerError } from './errors.ts';
import { attempt, type Refusal, subjectOf } from './refusal.ts';
import { Wake } from './wake.ts';

/** The one ClusterNetwork that is read. */
const NAME = 'default';
/** How long a missing object is believed to be missing without looking again. */
const LOOK_AGAIN_MS = 60_000;

/** Settings of `awaitClusterNetwork`. */
export interface AwaitClusterNetworkOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The cluster's network, as soon as there is one; OBJECT_INVALID when it makes no sense. */
export async function awaitClusterNetwork(
  cache: WatchCache<ClusterNetworkObject>,
  { log, clock, signal }: AwaitClusterNetworkOptions,
): Promise<ClusterNetwork> {
  const changed = new Wake();
  using _listening = cache.onChange(() => changed.ring());
  await cache.synced;
  for (let object = cache.get(NAME), isFirst = true; ; object = cache.get(NAME), isFirst = false) {
    if (object !== undefined) return parseClusterNetwork(object);
    if (isFirst) log.warn('waiting for the cluster network', { name: NAME, remedy: 'create ClusterNetwork default' });
    await changed.wait(LOOK_AGAIN_MS, { clock, signal });
  }
}

/** A refusal when the CIDRs are no longer those that the controller works with: it goes on with the old ones. */
export function clusterNetworkRefusals(cache: WatchCache<ClusterNetworkObject>, network: ClusterNetwork): Refusal[] {
  const object = cache.get(NAME);
  const was = addressesOf(network);
  if (object === undefined) {
    const error = controllerError('CLUSTER_NETWORK_CHANGED', { was, is: 'nothing, as it was deleted' });
    return [{ subject: { kind: 'ClusterNetwork', name: NAME }, error }];
  }
  const subject = subjectOf('ClusterNetwork', object);
  const now = attempt(() => parseClusterNetwork(object));
  if ('error' in now) return [{ subject, error: now.error }];
  const is = addressesOf(now.value);
  return is === was ? [] : [{ subject, error: controllerError('CLUSTER_NETWORK_CHANGED', { was, is }) }];
}

function addressesOf({ ranges, serviceNetwork }: ClusterNetwork): string {
  const pods = ranges.map(({ cidr, hostBits }) => `${cidr} (host bits ${hostBits})`).join(', ');
  return `pods ${pods} and services ${serviceNetwork}`;
}
