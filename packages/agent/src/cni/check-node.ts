import { isTenetError, sentenceOf } from '@tenet/std';
import { failAgent } from '../errors.ts';
import { wiredPods } from '../wired-pods.ts';
import type { NotReady, Wiring } from './wiring.ts';

/**
 * STATUS: returns when a pod can be attached now. Else NODE_NOT_READY, or NODE_NOT_READY_FOR_PODS when what is wrong
 * also cuts off the pods that are here.
 */
export function checkNode({ whyNotReady, leases, ovs }: Pick<Wiring, 'whyNotReady' | 'leases' | 'ovs'>): void {
  const notReady = whyNotReady() ?? whyNoLease(leases);
  if (notReady === undefined) return;
  const { error, cutsPods } = notReady;
  const facts = { reason: sentenceOf(error), remedy: isTenetError(error) ? error.remedy : '' };
  const pods = Math.max(leases.all.size, wiredPods(ovs.cache).length);
  if (cutsPods && pods > 0) failAgent('NODE_NOT_READY_FOR_PODS', { ...facts, pods }, error);
  failAgent('NODE_NOT_READY', facts, error);
}

/**
 * Why no address can be leased, which those that have one do not feel. A subnet that is full is no reason: the runtime
 * would call the node not ready, and Kubernetes would move all its pods away.
 */
function whyNoLease(leases: Wiring['leases']): NotReady | undefined {
  try {
    leases.checkWritable();
    return undefined;
  } catch (error) {
    if (!isTenetError(error)) throw error;
    return { error, cutsPods: false };
  }
}
