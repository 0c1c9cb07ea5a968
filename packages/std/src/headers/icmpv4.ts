import type { ByteReader, ByteWriter } from '../bytes.ts';
import { type Icmp, type IcmpFamily, parseIcmp, writeIcmp } from './icmp.ts';
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

/** An ICMP message (RFC 792). */
export type Icmpv4 = Icmp<Ipv4Header>;

/** Reads a message to the end of the reader. */
export function parseIcmpv4(reader: ByteReader): Icmpv4 {
  return parseIcmp(reader, FAMILY);
}

export function writeIcmpv4(writer: ByteWriter, message: Icmpv4): void {
  writeIcmp(writer, message, FAMILY);
}

const ERRORS: readonly number[] = [
  ICMPV4_TYPE.DESTINATION_UNREACHABLE,
  ICMPV4_TYPE.SOURCE_QUENCH,
  ICMPV4_TYPE.REDIRECT,
  ICMPV4_TYPE.TIME_EXCEEDED,
  ICMPV4_TYPE.PARAMETER_PROBLEM,
];

const FAMILY: IcmpFamily<Ipv4Header> = {
  name: 'ICMPv4',
  isEcho: (type) => type === ICMPV4_TYPE.ECHO || type === ICMPV4_TYPE.ECHO_REPLY,
  isError: (type) => ERRORS.includes(type),
  parseHeader: parseIpv4,
  writeHeader: writeIpv4,
};
