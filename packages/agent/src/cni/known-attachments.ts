import { wiredPods } from '../wired-pods.ts';
import { type Attachment, attachmentKey } from './attachment.ts';
import type { Wiring } from './wiring.ts';

/** An attachment of this node, from its lease, its port, or both. */
export interface KnownAttachment {
  readonly attachment: Attachment;
  readonly key: string;
  /** Where its sandbox was; several when lease and port disagree, none when neither says. */
  readonly namespaces: ReadonlySet<string>;
  /** The network that it belongs to; empty when nobody remembers. */
  readonly network: string;
}

/** Every attachment that this node remembers in any place. */
export function knownAttachments({ leases, ovs }: Pick<Wiring, 'leases' | 'ovs'>): KnownAttachment[] {
  const known = new Map<string, { attachment: Attachment; namespaces: Set<string>; network: string }>();
  for (const { attachment, netns, network } of leases.all.values()) {
    // One that says nothing names no attachment.
    if (attachment.containerId === '') continue;
    known.set(attachmentKey(attachment), { attachment, namespaces: new Set([netns]), network });
  }
  for (const { attachment, netns } of wiredPods(ovs.cache)) {
    const key = attachmentKey(attachment);
    const there = known.get(key);
    if (there === undefined) known.set(key, { attachment, namespaces: new Set([netns]), network: '' });
    else there.namespaces.add(netns);
  }
  return [...known].map(([key, { namespaces, ...attachment }]) => {
    namespaces.delete('');
    return { key, namespaces, ...attachment };
  });
}
