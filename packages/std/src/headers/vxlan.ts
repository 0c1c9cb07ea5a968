import type { ByteReader, ByteWriter } from '../bytes.ts';
import { failHeader, parsing } from './header-errors.ts';

/** A VXLAN header; an Ethernet frame follows (RFC 7348 §5). */
export interface VxlanHeader {
  /** The I flag must be set, the other seven are reserved. */
  readonly flags: number;
  /** The 24 bits between flags and VNI, reserved. */
  readonly reserved: number;
  /** The network identifier: for Tenet the VNID of the source. */
  readonly vni: number;
  /** The last byte, reserved. */
  readonly reservedByte: number;
}

const VNI_IS_VALID = 0x08;

/** Reads 8 bytes; a header without the I flag is HEADER_MALFORMED. Reserved bits are kept, not judged. */
export function parseVxlan(reader: ByteReader): VxlanHeader {
  return parsing('VXLAN', reader, (offset) => {
    const first = reader.u32();
    const second = reader.u32();
    const flags = first >>> 24;
    if ((flags & VNI_IS_VALID) === 0)
      failHeader('HEADER_MALFORMED', { header: 'VXLAN', offset, problem: 'does not say that its VNI is valid' });
    return { flags, reserved: first & 0xff_ffff, vni: second >>> 8, reservedByte: second & 0xff };
  });
}

/** Writes the header of this VNI; the reserved fields are zero unless given. */
export function writeVxlan(writer: ByteWriter, header: Pick<VxlanHeader, 'vni'> & Partial<VxlanHeader>): void {
  const { flags = VNI_IS_VALID, reserved = 0, vni, reservedByte = 0 } = header;
  writer.u8(flags).uint(BigInt(reserved), 3).uint(BigInt(vni), 3).u8(reservedByte);
}
