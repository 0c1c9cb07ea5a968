import { ByteReader, type ByteWriter } from '../bytes.ts';
import { isTenetError } from '../errors.ts';
import { parsing } from './header-errors.ts';
import { type Ipv6Header, parseIpv6, writeIpv6 } from './ipv6.ts';

/** Message types that we read (RFC 4443 §2.1; RFC 4861 §4 for neighbour discovery). */
export const ICMPV6_TYPE = {
  DESTINATION_UNREACHABLE: 1,
  PACKET_TOO_BIG: 2,
  TIME_EXCEEDED: 3,
  PARAMETER_PROBLEM: 4,
  ECHO_REQUEST: 128,
  ECHO_REPLY: 129,
  NEIGHBOR_SOLICITATION: 135,
  NEIGHBOR_ADVERTISEMENT: 136,
} as const;

interface Icmpv6Start {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
}

interface Icmpv6Echo extends Icmpv6Start {
  readonly kind: 'echo';
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** An error about a packet that it quotes as far as the minimum MTU allows (RFC 4443 §3). */
interface Icmpv6Error extends Icmpv6Start {
  readonly kind: 'error';
  /** Bytes 4 to 7: MTU, pointer or unused. */
  readonly restOfHeader: number;
  readonly quoted: { readonly header: Ipv6Header; readonly payload: Uint8Array };
}

/** Any other type, or an error whose quotation is no IPv6 packet. */
interface Icmpv6Other extends Icmpv6Start {
  readonly kind: 'other';
  /** All behind the checksum. */
  readonly body: Uint8Array;
}

/** An ICMPv6 message (RFC 4443). */
export type Icmpv6 = Icmpv6Echo | Icmpv6Error | Icmpv6Other;

/** Reads a message to the end of the reader. */
export function parseIcmpv6(reader: ByteReader): Icmpv6 {
  return parsing('ICMPv6', reader, () => {
    const start = { type: reader.u8(), code: reader.u8(), checksum: reader.u16() };
    if (start.type === ICMPV6_TYPE.ECHO_REQUEST || start.type === ICMPV6_TYPE.ECHO_REPLY)
      return { kind: 'echo', ...start, identifier: reader.u16(), sequence: reader.u16(), data: reader.rest() };
    const body = reader.rest();
    return parseError(new ByteReader(body), start) ?? { kind: 'other', ...start, body };
  });
}

export function writeIcmpv6(writer: ByteWriter, message: Icmpv6): void {
  writer.u8(message.type).u8(message.code).u16(message.checksum);
  switch (message.kind) {
    case 'echo':
      writer.u16(message.identifier).u16(message.sequence).put(message.data);
      return;
    case 'error':
      writer.u32(message.restOfHeader);
      writeIpv6(writer, message.quoted.header);
      writer.put(message.quoted.payload);
      return;
    case 'other':
      writer.put(message.body);
  }
}

function parseError(reader: ByteReader, start: Icmpv6Start): Icmpv6Error | undefined {
  // Types below 128 are errors (RFC 4443 §2.1); only the four of §3 are known to quote behind 4 bytes.
  if (start.type < 1 || start.type > ICMPV6_TYPE.PARAMETER_PROBLEM || reader.left < 4) return undefined;
  const restOfHeader = reader.u32();
  try {
    return { kind: 'error', ...start, restOfHeader, quoted: { header: parseIpv6(reader), payload: reader.rest() } };
  } catch (error) {
    if (isTenetError(error, 'HEADER_MALFORMED')) return undefined;
    throw error;
  }
}
