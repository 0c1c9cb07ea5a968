import { ByteReader, type ByteWriter } from '../bytes.ts';
import { isTenetError } from '../errors.ts';
import { parsing } from './header-errors.ts';
import { type Ipv4Header, parseIpv4, writeIpv4 } from './ipv4.ts';

/** Message types that we read (RFC 792). */
export const ICMPV4_TYPE = {
  ECHO_REPLY: 0,
  DESTINATION_UNREACHABLE: 3,
  SOURCE_QUENCH: 4,
  REDIRECT: 5,
  ECHO: 8,
  TIME_EXCEEDED: 11,
  PARAMETER_PROBLEM: 12,
} as const;

interface Icmpv4Start {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
}

interface Icmpv4Echo extends Icmpv4Start {
  readonly kind: 'echo';
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** An error about a packet that it quotes: its IPv4 header and at least 8 bytes behind (RFC 1812 §4.3.2.3). */
interface Icmpv4Error extends Icmpv4Start {
  readonly kind: 'error';
  /** Bytes 4 to 7: next-hop MTU (RFC 1191 §4), gateway or pointer. */
  readonly restOfHeader: number;
  readonly quoted: { readonly header: Ipv4Header; readonly payload: Uint8Array };
}

/** Any other type, or an error whose quotation is no IPv4 packet. */
interface Icmpv4Other extends Icmpv4Start {
  readonly kind: 'other';
  /** All behind the checksum. */
  readonly body: Uint8Array;
}

/** An ICMP message (RFC 792). */
export type Icmpv4 = Icmpv4Echo | Icmpv4Error | Icmpv4Other;

/** Reads a message to the end of the reader. */
export function parseIcmpv4(reader: ByteReader): Icmpv4 {
  return parsing('ICMPv4', reader, () => {
    const start = { type: reader.u8(), code: reader.u8(), checksum: reader.u16() };
    if (start.type === ICMPV4_TYPE.ECHO || start.type === ICMPV4_TYPE.ECHO_REPLY)
      return { kind: 'echo', ...start, identifier: reader.u16(), sequence: reader.u16(), data: reader.rest() };
    const body = reader.rest();
    return parseError(new ByteReader(body), start) ?? { kind: 'other', ...start, body };
  });
}

export function writeIcmpv4(writer: ByteWriter, message: Icmpv4): void {
  writer.u8(message.type).u8(message.code).u16(message.checksum);
  switch (message.kind) {
    case 'echo':
      writer.u16(message.identifier).u16(message.sequence).put(message.data);
      return;
    case 'error':
      writer.u32(message.restOfHeader);
      writeIpv4(writer, message.quoted.header);
      writer.put(message.quoted.payload);
      return;
    case 'other':
      writer.put(message.body);
  }
}

function parseError(reader: ByteReader, start: Icmpv4Start): Icmpv4Error | undefined {
  const { DESTINATION_UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM } = ICMPV4_TYPE;
  const errors: readonly number[] = [
    DESTINATION_UNREACHABLE,
    SOURCE_QUENCH,
    REDIRECT,
    TIME_EXCEEDED,
    PARAMETER_PROBLEM,
  ];
  if (!errors.includes(start.type) || reader.left < 4) return undefined;
  const restOfHeader = reader.u32();
  try {
    return { kind: 'error', ...start, restOfHeader, quoted: { header: parseIpv4(reader), payload: reader.rest() } };
  } catch (error) {
    if (isTenetError(error, 'HEADER_MALFORMED')) return undefined;
    throw error;
  }
}
