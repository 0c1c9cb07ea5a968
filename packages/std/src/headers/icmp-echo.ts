import { ByteReader, ByteWriter } from '../bytes.ts';
import { internetChecksum } from './checksum.ts';
import { ICMPV4_TYPE, type Icmpv4, parseIcmpv4, writeIcmpv4 } from './icmpv4.ts';
import { IP_PROTOCOL } from './ip-protocol.ts';
import { parseIpv4 } from './ipv4.ts';

/** An answer to a ping (RFC 792, Echo Reply). */
export type EchoReply = Extract<Icmpv4, { kind: 'echo' }>;

/** What a ping sends: an ICMP message with so many bytes of data, all zero. */
export function echoRequest({
  identifier,
  sequence,
  dataBytes = 56,
}: {
  readonly identifier: number;
  readonly sequence: number;
  readonly dataBytes?: number;
}): Uint8Array {
  const data = new Uint8Array(dataBytes);
  const echo = { kind: 'echo', type: ICMPV4_TYPE.ECHO, code: 0, identifier, sequence, data } as const;
  return bytesOf({ ...echo, checksum: internetChecksum(bytesOf({ ...echo, checksum: 0 })) });
}

/**
 * The answer to a ping in a packet, undefined for any other: a raw socket hears every ICMP message of the other end,
 * with its IPv4 header (raw(7)).
 */
export function echoReplyOf(packet: Uint8Array): EchoReply | undefined {
  try {
    const reader = new ByteReader(packet);
    if (parseIpv4(reader).protocol !== IP_PROTOCOL.ICMP) return undefined;
    const message = parseIcmpv4(reader);
    return message.kind === 'echo' && message.type === ICMPV4_TYPE.ECHO_REPLY ? message : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(message: Icmpv4): Uint8Array {
  const writer = new ByteWriter();
  writeIcmpv4(writer, message);
  return writer.toBytes();
}
