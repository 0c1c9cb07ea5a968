import type { ByteReader, ByteWriter } from '../bytes.ts';
import { type Icmp, type IcmpFamily, parseIcmp, writeIcmp } from './icmp.ts';
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

/** An ICMPv6 message (RFC 4443). */
export type Icmpv6 = Icmp<Ipv6Header>;

/** Reads a message to the end of the reader. */
export function parseIcmpv6(reader: ByteReader): Icmpv6 {
  return parseIcmp(reader, FAMILY);
}

export function writeIcmpv6(writer: ByteWriter, message: Icmpv6): void {
  writeIcmp(writer, message, FAMILY);
}

const FAMILY: IcmpFamily<Ipv6Header> = {
  name: 'ICMPv6',
  isEcho: (type) => type === ICMPV6_TYPE.ECHO_REQUEST || type === ICMPV6_TYPE.ECHO_REPLY,
  // Types below 128 are errors (RFC 4443 §2.1); only the four of §3 are known to quote behind 4 bytes.
  isError: (type) => type >= 1 && type <= ICMPV6_TYPE.PARAMETER_PROBLEM,
  parseHeader: parseIpv6,
  writeHeader: writeIpv6,
};
