/** Packets that begin connections to services, each with a number by which it is known wherever it turns up. */
import type { ServiceProtocol } from '@tenet/model';
import {
  ByteWriter,
  buildFrame,
  type Ip,
  type Ipv4Spec,
  Mac,
  parseFrame,
  type TransportSpec,
  writeSctpInit,
} from '@tenet/std';

/** From a pod through tun0, from the node itself, or from outside of the cluster through eth0. */
export type Origin = 'pod' | 'node' | 'outside';

export interface ServicePacket {
  /** 1 to 65535: it is the packet's identification (RFC 791 §3.1), which no translation changes. */
  readonly number: number;
  readonly from: Origin;
  readonly protocol: ServiceProtocol;
  readonly source: Ip;
  readonly sourcePort: number;
  readonly destination: Ip;
  readonly port: number;
  /** The kernel is asked to tell the way of this one. */
  readonly isTraced: boolean;
}

/** The DSCP of packets whose way is to be traced: translations keep it, and nothing here decides by it. */
export const TRACED_DSCP = 1;

/** What a packet that turned up says of one that was sent. */
export interface Sighting {
  readonly number: number;
  /** A `refusal` is "port unreachable" about the question; its addresses are those of the ICMP packet. */
  readonly kind: 'question' | 'answer' | 'refusal';
  readonly source: Ip;
  readonly sourcePort: number;
  readonly destination: Ip;
  readonly port: number;
}

type Ends = Pick<ServicePacket, 'number' | 'protocol' | 'source' | 'sourcePort' | 'destination' | 'port'>;

const NOWHERE = Mac.parse('02:00:00:00:00:01');
const ETHERNET_BYTES = 14;
const PORT_UNREACHABLE = 3;

/** The packet from its IPv4 header on. */
export function questionBytes(packet: Ends & { readonly isTraced: boolean }): Uint8Array {
  return packetBytes(packet, 'question', packet.isTraced ? TRACED_DSCP : 0);
}

/** What the endpoint that saw this question sends back. */
export function answerBytes(seen: Ends): Uint8Array {
  const { source, sourcePort, destination, port } = seen;
  return packetBytes(
    { ...seen, source: destination, sourcePort: port, destination: source, port: sourcePort },
    'answer',
  );
}

/** The packet as a frame to this MAC. */
export function frameTo(mac: Mac, packet: Uint8Array): Uint8Array {
  const ethernet = { source: NOWHERE, destination: mac, etherType: 0x0800 };
  return buildFrame({ ethernet, network: { kind: 'raw', payload: packet } });
}

/** What a packet, from its IPv4 header on, is to us; undefined when nothing. */
export function sightingIn(packet: Uint8Array): Sighting | undefined {
  const { network } = parseFrame(frameTo(NOWHERE, packet));
  if (network.kind !== 'ipv4') return undefined;
  const { header, transport } = network;
  const ends = { number: header.identification, source: header.source, destination: header.destination };
  switch (transport.kind) {
    case 'tcp': {
      const { flags, sourcePort, destinationPort: port } = transport.header;
      const kind = flags.join() === 'SYN' ? 'question' : flags.join() === 'SYN,ACK' ? 'answer' : undefined;
      return kind && { ...ends, kind, sourcePort, port };
    }
    case 'udp': {
      const kind = KINDS.find((each) => WORDS[each] === transport.payload[0]);
      return kind && { ...ends, kind, sourcePort: transport.header.sourcePort, port: transport.header.destinationPort };
    }
    case 'sctp': {
      const kind = transport.chunks[0] === SCTP_INIT_ACK ? 'answer' : 'question';
      return { ...ends, kind, sourcePort: transport.header.sourcePort, port: transport.header.destinationPort };
    }
    case 'icmpv4': {
      const { message } = transport;
      if (message.kind !== 'error' || message.code !== PORT_UNREACHABLE) return undefined;
      return { ...ends, number: message.quoted.header.identification, kind: 'refusal', sourcePort: 0, port: 0 };
    }
    default:
      return undefined;
  }
}

/** A frame that came in, from its IPv4 header on; undefined when it is none. */
export function packetIn(frame: Uint8Array): Uint8Array | undefined {
  return frame[12] === 0x08 && frame[13] === 0x00 ? frame.subarray(ETHERNET_BYTES) : undefined;
}

const KINDS = ['question', 'answer'] as const;
/** The first byte of a datagram. */
const WORDS = { question: 0x3f, answer: 0x21 } as const;
const SCTP_INIT_ACK = 2;

function packetBytes(ends: Ends, kind: 'question' | 'answer', dscp = 0): Uint8Array {
  const { number, source, destination } = ends;
  const header: Ipv4Spec = { source, destination, identification: number, dontFragment: true, dscp };
  const network = { kind: 'ipv4', header, transport: transportOf(ends, kind) } as const;
  return buildFrame({ ethernet: { source: NOWHERE, destination: NOWHERE }, network }).subarray(ETHERNET_BYTES);
}

function transportOf({ number, protocol, sourcePort, port }: Ends, kind: 'question' | 'answer'): TransportSpec {
  const ports = { sourcePort, destinationPort: port };
  const isAnswer = kind === 'answer';
  switch (protocol) {
    case 'tcp': {
      // The answer acknowledges the sequence number of the question: conntrack looks at it (RFC 9293 §3.5).
      const flags = isAnswer ? (['SYN', 'ACK'] as const) : (['SYN'] as const);
      return { kind: 'tcp', header: { ...ports, flags, sequence: number, acknowledgment: isAnswer ? number + 1 : 0 } };
    }
    case 'udp':
      return { kind: 'udp', header: ports, payload: Uint8Array.of(WORDS[kind]) };
    case 'sctp':
      // The tag of an INIT is 0, that of its answer the one which the INIT has asked for (RFC 9260 §8.5.1).
      return {
        kind: 'sctp',
        header: { ...ports, verificationTag: isAnswer ? number : 0 },
        chunks: isAnswer ? initAckChunk(number) : initChunk(number),
      };
  }
}

/** The question's number is its initiate tag. */
function initChunk(number: number): Uint8Array {
  const writer = new ByteWriter();
  const streams = { advertisedWindow: 65_536, outboundStreams: 1, inboundStreams: 1 };
  writeSctpInit(writer, { initiateTag: number, ...streams, initialTsn: number, parameters: new Uint8Array() });
  return writer.toBytes();
}

/** Laid out as an INIT, but for its type (RFC 9260 §3.3.3). */
function initAckChunk(number: number): Uint8Array {
  return initChunk(number).with(0, SCTP_INIT_ACK);
}
