import type { ByteReader } from '@tenet/std';
import { malformed } from './errors.ts';

/** A type with its value: what follows the fixed part of many structures. */
export interface Property {
  readonly type: number;
  readonly value: ByteReader;
}

const HEADER_BYTES = 4;

/**
 * Reads what is left as properties (OpenFlow 1.4.1 §7.2.1): each is padded to eight bytes, which its length does not
 * count, and whose absence behind the last one is forgiven. Fewer bytes than a property has are left to the caller.
 */
export function* readProperties(r: ByteReader, what: string): Generator<Property> {
  while (r.left >= HEADER_BYTES) {
    const type = r.u16();
    const lengthBytes = r.u16();
    if (lengthBytes < HEADER_BYTES) malformed(what, `a property claims ${lengthBytes} bytes`);
    const value = r.sub(lengthBytes - HEADER_BYTES);
    r.skip(Math.min(r.left, (8 - (lengthBytes % 8)) % 8));
    yield { type, value };
  }
}
