import { z } from 'zod';
import type { Attachment } from '../cni/attachment.ts';
import type { PodName } from '../cni/request.ts';

/** What is remembered of a leased address: all that it takes to make its pod's port anew, or to judge that it leaked. */
export interface Lease {
  readonly attachment: Attachment;
  /** Path of the sandbox's namespace; empty when it is not known. */
  readonly netns: string;
  readonly pod: PodName;
  /** `name` of the network configuration that the ADD came with; empty when it is not known. */
  readonly network: string;
  /** The ADD was through and no DEL has begun: the runtime believes that the pod has its network. */
  readonly isAttached: boolean;
}

/** The second line of a lease: appended when the ADD is through, cut off when the DEL begins, also on a full disk. */
export const ATTACHED_LINE = 'attached\n';

const FILE = z.object({
  containerId: z.string().min(1),
  ifName: z.string().min(1),
  netns: z.string(),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  network: z.string(),
});

/** A lease as its file says it: a line of JSON, and one more when the ADD was through. */
export function writeLease({ attachment: { containerId, ifName }, netns, pod, network, isAttached }: Lease): string {
  return `${JSON.stringify({ containerId, ifName, netns, pod, network })}\n${isAttached ? ATTACHED_LINE : ''}`;
}

/** Reads a lease's file, also the older form of two lines, container and interface; undefined when it says nothing. */
export function readLease(text: string): Lease | undefined {
  const [first = '', second = '', ...rest] = text.split('\n');
  if (!first.startsWith('{')) {
    const isLease = first !== '' && second !== '' && rest.join('') === '';
    return isLease ? bareLease({ containerId: first, ifName: second }) : undefined;
  }
  const result = FILE.safeParse(jsonOf(first));
  if (!result.success) return undefined;
  const { containerId, ifName, netns, pod, network } = result.data;
  // A mark that a power cut has torn is none: the sandbox is gone then.
  const isAttached = `${second}\n` === ATTACHED_LINE;
  return { attachment: { containerId, ifName }, netns, pod, network, isAttached };
}

/** A lease of which no more is known than whose it is. */
export function bareLease(attachment: Attachment): Lease {
  return { attachment, netns: '', pod: { namespace: '', name: '', uid: '' }, network: '', isAttached: false };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
