import type { ByteReader, ByteWriter } from '../bytes.ts';
import { Ip } from '../ip.ts';
import { failHeader, parsing } from './header-errors.ts';

/** An IPv4 header (RFC 791 §3.1; DSCP and ECN: RFC 2474, RFC 3168). */
export interface Ipv4Header {
  readonly dscp: number;
  readonly ecn: number;
  /** Header and payload in bytes, as the header says: a cut capture has fewer. */
  readonly totalLength: number;
  readonly identification: number;
  /** The flag that must be zero. */
  readonly reservedFlag: boolean;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** Where this fragment's payload belongs: a multiple of 8. */
  readonly fragmentOffsetBytes: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly source: Ip;
  readonly destination: Ip;
  /** Options as they are on the wire, padding included: a multiple of 4, at most 40 bytes. */
  readonly options: Uint8Array;
}

/** Reads the header with its options. The checksum is not judged. */
export function parseIpv4(reader: ByteReader): Ipv4Header {
  return parsing('IPv4', reader, (offset) => {
    const versionAndIhl = reader.u8();
    const headerLength = (versionAndIhl & 0xf) * 4;
    if (versionAndIhl >> 4 !== 4 || headerLength < 20)
      failHeader('HEADER_MALFORMED', {
        header: 'IPv4',
        offset,
        problem: `starts with version and length 0x${versionAndIhl.toString(16).padStart(2, '0')}`,
      });
    const trafficClass = reader.u8();
    const totalLength = reader.u16();
    // 0 is what segmentation offload leaves in captures: the length is then that of the frame.
    if (totalLength !== 0 && totalLength < headerLength)
      failHeader('HEADER_MALFORMED', { header: 'IPv4', offset, problem: `claims ${totalLength} bytes in all` });
    const identification = reader.u16();
    const fragment = reader.u16();
    return {
      dscp: trafficClass >> 2,
      ecn: trafficClass & 3,
      totalLength,
      identification,
      reservedFlag: (fragment & 0x8000) !== 0,
      dontFragment: (fragment & 0x4000) !== 0,
      moreFragments: (fragment & 0x2000) !== 0,
      fragmentOffsetBytes: (fragment & 0x1fff) * 8,
      ttl: reader.u8(),
      protocol: reader.u8(),
      checksum: reader.u16(),
      source: Ip.fromBytes(reader.take(4)),
      destination: Ip.fromBytes(reader.take(4)),
      options: reader.take(headerLength - 20),
    };
  });
}

export function writeIpv4(writer: ByteWriter, header: Ipv4Header): void {
  const { dscp, ecn, fragmentOffsetBytes, source, destination, options } = header;
  if (source.family !== 4 || destination.family !== 4) throw new RangeError('an IPv4 header carries IPv4 addresses');
  if (dscp > 63 || ecn > 3) throw new RangeError(`DSCP ${dscp} and ECN ${ecn} do not fit 6 and 2 bits`);
  if (fragmentOffsetBytes % 8 !== 0 || fragmentOffsetBytes > 0xfff8)
    throw new RangeError(`a fragment offset is a multiple of 8 up to 65528, not ${fragmentOffsetBytes}`);
  if (options.length % 4 !== 0 || options.length > 40)
    throw new RangeError(`IPv4 options fill a multiple of 4 up to 40 bytes, not ${options.length}`);
  const flags =
    (header.reservedFlag ? 0x8000 : 0) | (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0);
  writer.u8(0x40 | (5 + options.length / 4)).u8((dscp << 2) | ecn);
  writer
    .u16(header.totalLength)
    .u16(header.identification)
    .u16(flags | (fragmentOffsetBytes / 8));
  writer.u8(header.ttl).u8(header.protocol).u16(header.checksum);
  writer.put(source.toBytes()).put(destination.toBytes()).put(options);
}
