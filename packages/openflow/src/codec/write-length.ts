import type { ByteWriter } from '@tenet/std';
import { codecError } from './errors.ts';
import { MAX_MESSAGE_BYTES } from './protocol.ts';

/** Where a 16-bit length stands and from where on it counts, as offsets into what is written. */
export interface LengthPlace {
  readonly at: number;
  readonly from: number;
}

/** Writes the length of what was written since `from`; OPENFLOW_MESSAGE_TOO_LONG, which names it, beyond 65535. */
export function writeLength(w: ByteWriter, { at, from }: LengthPlace, what: string): void {
  const lengthBytes = w.length - from;
  if (lengthBytes > MAX_MESSAGE_BYTES) throw codecError('OPENFLOW_MESSAGE_TOO_LONG', { what, lengthBytes });
  w.setU16(at, lengthBytes);
}
