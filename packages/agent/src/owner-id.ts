import { createHash } from 'node:crypto';

/** The id in the cookie of the flows that an object of the cluster stands for: the first four bytes of SHA-256 of its UID. */
export function ownerId(uid: string): number {
  return createHash('sha256').update(uid).digest().readUInt32BE(0);
}
