import { ByteWriter } from '../bytes.ts';
import type { Ip } from '../ip.ts';

/** The one's complement checksum of IP, ICMP, UDP and TCP (RFC 1071). Over bytes that hold their sum, it is 0. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  let odd = false;
  for (const part of parts) {
    for (const byte of part) {
      sum += odd ? byte : byte << 8;
      odd = !odd;
    }
    while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  }
  return ~sum & 0xffff;
}

/** What a checksum over a pseudo-header needs to know of the IP header below. */
export interface PseudoHeader {
  readonly source: Ip;
  readonly destination: Ip;
  /** The upper layer's protocol number, behind any extension headers. */
  readonly protocol: number;
}

/**
 * The checksum of a UDP datagram, TCP segment or ICMPv6 message with its pseudo-header (RFC 768, RFC 9293 §3.1,
 * RFC 8200 §8.1). UDP senders must write a result of 0 as 0xffff: see `udpChecksum`.
 */
export function pseudoHeaderChecksum({ source, destination, protocol }: PseudoHeader, upper: Uint8Array): number {
  const pseudo = new ByteWriter(40).put(source.toBytes()).put(destination.toBytes());
  if (source.family === 4)
    pseudo
      .u8(0)
      .u8(protocol)
      .u16(upper.length & 0xffff);
  else pseudo.u32(upper.length).zeros(3).u8(protocol);
  return internetChecksum(pseudo.view(), upper);
}

/** UDP's checksum: 0 on the wire means "none", so a sum of 0 is sent as 0xffff (RFC 768). */
export function udpChecksum(pseudo: PseudoHeader, datagram: Uint8Array): number {
  return pseudoHeaderChecksum(pseudo, datagram) || 0xffff;
}
