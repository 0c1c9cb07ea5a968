import type { ByteReader, ByteWriter } from '../bytes.ts';
import { parsing } from './header-errors.ts';

/** A VLAN tag behind its TPID, which is the EtherType of the header before (IEEE 802.1Q §9.6). */
export interface VlanTag {
  /** Priority code point, 0 to 7. */
  readonly priority: number;
  readonly dropEligible: boolean;
  /** 0 (priority tag) to 4095 (reserved). */
  readonly vid: number;
  /** What follows: another TPID when tags are stacked. */
  readonly etherType: number;
}

/** Reads 4 bytes: the tag control information and the EtherType behind it. */
export function parseVlan(reader: ByteReader): VlanTag {
  return parsing('VLAN', reader, () => {
    const tci = reader.u16();
    return {
      priority: tci >> 13,
      dropEligible: (tci & 0x1000) !== 0,
      vid: tci & 0xfff,
      etherType: reader.u16(),
    };
  });
}

export function writeVlan(writer: ByteWriter, { priority, dropEligible, vid, etherType }: VlanTag): void {
  if (priority > 7 || vid > 0xfff) throw new RangeError(`VLAN ${vid} with priority ${priority} does not fit its tag`);
  writer.u16((priority << 13) | (dropEligible ? 0x1000 : 0) | vid).u16(etherType);
}
