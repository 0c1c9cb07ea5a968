import {
  ByteReader,
  ByteWriter,
  ICMPV4_TYPE,
  type Icmpv4,
  internetChecksum,
  parseIcmpv4,
  parseIpv4,
  writeIcmpv4,
} from '@tenet/std';
import { exchange, type ProbeTarget } from './exchange.ts';
import type { Outcome } from './outcome.ts';

export interface PingProbe extends ProbeTarget {
  /** Bytes of data; the IPv4 packet is 28 bytes longer. */
  readonly size?: number;
  /** True: too large a packet is `too-big`. False: it goes in fragments. */
  readonly dontFragment?: boolean;
}

let lastIdentifier = Math.floor(Math.random() * 0x1_0000);

/** Sends one echo request. Requests that run at the same time differ in their identifier. */
export function probePing({ size = 56, ...target }: PingProbe): Promise<Outcome> {
  lastIdentifier = (lastIdentifier + 1) & 0xffff;
  const identifier = lastIdentifier;
  return exchange({
    ...target,
    protocol: 'icmp',
    port: 0,
    request: echoRequest(identifier, size),
    read(packet, { ms }) {
      const message = icmpOf(packet);
      const isMine = message?.kind === 'echo' && message.type === ICMPV4_TYPE.ECHO_REPLY;
      return isMine && message.identifier === identifier && message.data.length === size
        ? { outcome: 'reply', ms }
        : undefined;
    },
  });
}

function echoRequest(identifier: number, size: number): Uint8Array {
  const echo = {
    kind: 'echo',
    type: ICMPV4_TYPE.ECHO,
    code: 0,
    identifier,
    sequence: 1,
    data: new Uint8Array(size),
  } as const;
  return bytesOf({ ...echo, checksum: internetChecksum(bytesOf({ ...echo, checksum: 0 })) });
}

function bytesOf(message: Icmpv4): Uint8Array {
  const writer = new ByteWriter();
  writeIcmpv4(writer, message);
  return writer.toBytes();
}

/** A raw socket hears every ICMP message of the other end, with its IPv4 header (raw(7)). */
function icmpOf(packet: Uint8Array): Icmpv4 | undefined {
  try {
    const reader = new ByteReader(packet);
    parseIpv4(reader);
    return parseIcmpv4(reader);
  } catch {
    return undefined;
  }
}
