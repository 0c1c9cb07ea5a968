import { createHash } from 'node:crypto';

/** The id in the cookie of another node's flows: the first four bytes of SHA-256 of its HostSubnet's UID. */
export function peerId(hostSubnetUid: string): number {
  return createHash('sha256').update(hostSubnetUid).digest().readUInt32BE(0);
}
