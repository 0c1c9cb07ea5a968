import type { ByteReader, ByteWriter } from '../bytes.ts';
import { failHeader, parsing } from './header-errors.ts';

/** TCP's control bits in wire order, lowest first (RFC 9293 §3.1; RFC 3168 for ECE and CWR). */
export const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'] as const;
export type TcpFlag = (typeof TCP_FLAGS)[number];

/** A TCP header (RFC 9293 §3.1). */
export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** The four bits between the data offset and the flags. */
  readonly reserved: number;
  /** The flags that are set, in the order of `TCP_FLAGS`. */
  readonly flags: readonly TcpFlag[];
  readonly window: number;
  readonly checksum: number;
  readonly urgentPointer: number;
  /** Options as they are on the wire, padding included: a multiple of 4, at most 40 bytes. */
  readonly options: Uint8Array;
}

/** Reads the header with its options. */
export function parseTcp(reader: ByteReader): TcpHeader {
  return parsing('TCP', reader, (offset) => {
    const sourcePort = reader.u16();
    const destinationPort = reader.u16();
    const sequence = reader.u32();
    const acknowledgment = reader.u32();
    const offsetAndReserved = reader.u8();
    const headerLength = (offsetAndReserved >> 4) * 4;
    if (headerLength < 20)
      failHeader('HEADER_MALFORMED', { header: 'TCP', offset, problem: `claims ${headerLength} bytes` });
    const bits = reader.u8();
    return {
      sourcePort,
      destinationPort,
      sequence,
      acknowledgment,
      reserved: offsetAndReserved & 0xf,
      flags: TCP_FLAGS.filter((_, bit) => bits & (1 << bit)),
      window: reader.u16(),
      checksum: reader.u16(),
      urgentPointer: reader.u16(),
      options: reader.take(headerLength - 20),
    };
  });
}

export function writeTcp(writer: ByteWriter, header: TcpHeader): void {
  const { options, reserved, flags } = header;
  if (options.length % 4 !== 0 || options.length > 40)
    throw new RangeError(`TCP options fill a multiple of 4 up to 40 bytes, not ${options.length}`);
  if (reserved > 0xf) throw new RangeError(`${reserved} does not fit TCP's 4 reserved bits`);
  writer.u16(header.sourcePort).u16(header.destinationPort).u32(header.sequence).u32(header.acknowledgment);
  writer.u8(((5 + options.length / 4) << 4) | reserved);
  writer.u8(flags.reduce((bits, flag) => bits | (1 << TCP_FLAGS.indexOf(flag)), 0));
  writer.u16(header.window).u16(header.checksum).u16(header.urgentPointer).put(options);
}
