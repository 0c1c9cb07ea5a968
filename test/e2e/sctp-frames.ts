/** The first two packets of an SCTP association, for a machine whose kernel has no SCTP of its own. */
import {
  ByteReader,
  ByteWriter,
  buildFrame,
  type Frame,
  type Ip,
  type Mac,
  parseFrame,
  parseSctpInit,
  writeSctpInit,
} from '@tenet/std';

export interface SctpEnds {
  readonly fromMac: Mac;
  readonly toMac: Mac;
  readonly source: Ip;
  readonly sourcePort: number;
  readonly destination: Ip;
  readonly destinationPort: number;
}

/** What is seen of an SCTP packet; its checksum has been found right. */
export interface SctpSighting extends Pick<SctpEnds, 'source' | 'sourcePort' | 'destination' | 'destinationPort'> {
  readonly verificationTag: number;
  /** By RFC 9260 §3.2. */
  readonly chunkType: number;
  readonly initiateTag: number;
}

export const SCTP_CHUNK = { init: 1, initAck: 2 } as const;
const WINDOW_BYTES = 65_536;

/** An INIT: of an association that does not exist yet, hence no verification tag (RFC 9260 §8.5.1). */
export function sctpInit(ends: SctpEnds, initiateTag: number): Uint8Array {
  return sctpFrame(ends, { verificationTag: 0, chunks: initChunk(SCTP_CHUNK.init, initiateTag) });
}

/** The answer to an INIT, without the cookie that would let it go on (RFC 9260 §3.3.3). */
export function sctpInitAck(ends: SctpEnds, answered: number, initiateTag: number): Uint8Array {
  return sctpFrame(ends, { verificationTag: answered, chunks: initChunk(SCTP_CHUNK.initAck, initiateTag) });
}

/** The SCTP packet in a frame; undefined for any other frame, and for one whose checksum is wrong. */
export function sctpIn(bytes: Uint8Array): SctpSighting | undefined {
  const frame = parseFrame(bytes);
  const { network } = frame;
  if (network.kind !== 'ipv4' || network.transport.kind !== 'sctp' || !isChecksumRight(frame, bytes)) return undefined;
  const { header, chunks } = network.transport;
  const [chunkType = 0] = chunks;
  // INIT and INIT ACK have the same fields (RFC 9260 §3.3.3).
  const { initiateTag } = parseSctpInit(new ByteReader(Uint8Array.of(SCTP_CHUNK.init, ...chunks.subarray(1))));
  const { source, destination } = network.header;
  const { sourcePort, destinationPort, verificationTag } = header;
  return { source, sourcePort, destination, destinationPort, verificationTag, chunkType, initiateTag };
}

function initChunk(type: number, initiateTag: number): Uint8Array {
  const writer = new ByteWriter();
  writeSctpInit(writer, {
    initiateTag,
    advertisedWindow: WINDOW_BYTES,
    outboundStreams: 1,
    inboundStreams: 1,
    initialTsn: 1,
    parameters: new Uint8Array(0),
  });
  return Uint8Array.of(type, ...writer.toBytes().subarray(1));
}

interface SctpContent {
  readonly verificationTag: number;
  readonly chunks: Uint8Array;
}

function sctpFrame(ends: SctpEnds, { verificationTag, chunks }: SctpContent): Uint8Array {
  const { fromMac, toMac, source, sourcePort, destination, destinationPort } = ends;
  return buildFrame({
    ethernet: { source: fromMac, destination: toMac },
    network: {
      kind: 'ipv4',
      header: { source, destination, ttl: 64 },
      transport: { kind: 'sctp', header: { sourcePort, destinationPort, verificationTag }, chunks },
    },
  });
}

/** Built again with a checksum of its own it is the same. */
function isChecksumRight({ ethernet, network }: Frame, bytes: Uint8Array): boolean {
  if (network.kind !== 'ipv4' || network.transport.kind !== 'sctp') return false;
  const { checksum: _, ...header } = network.transport.header;
  const again = buildFrame({ ethernet, network: { ...network, transport: { ...network.transport, header } } });
  return Buffer.compare(again, bytes.subarray(0, again.length)) === 0;
}
