import { createHash } from 'node:crypto';

/** What a container runtime attaches: an interface of a sandbox (CNI 1.1.0, section 2, "Attachment"). */
export interface Attachment {
  readonly containerId: string;
  readonly ifName: string;
}

export function attachmentKey({ containerId, ifName }: Attachment): string {
  return `${containerId}/${ifName}`;
}

/**
 * The name of the attachment's veth on the host. It depends on the attachment alone, so that an ADD repeated after a
 * kill -9 finds what the first one left half made.
 */
export function hostVethName(attachment: Attachment): string {
  return `veth${createHash('sha256').update(attachmentKey(attachment)).digest('hex').slice(0, 8)}`;
}
