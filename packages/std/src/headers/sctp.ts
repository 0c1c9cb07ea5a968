import type { ByteReader, ByteWriter } from '../bytes.ts';
import { failHeader, parsing } from './header-errors.ts';

/** The common header of an SCTP packet (RFC 9260 §3.1). */
export interface SctpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
  /** CRC-32C of the packet, as the number that stands on the wire in network order (Appendix A). */
  readonly checksum: number;
}

/** Reads 12 bytes; chunks follow. */
export function parseSctp(reader: ByteReader): SctpHeader {
  return parsing('SCTP', reader, () => ({
    sourcePort: reader.u16(),
    destinationPort: reader.u16(),
    verificationTag: reader.u32(),
    checksum: reader.u32(),
  }));
}

export function writeSctp(writer: ByteWriter, header: SctpHeader): void {
  writer.u16(header.sourcePort).u16(header.destinationPort).u32(header.verificationTag).u32(header.checksum);
}

/** An INIT chunk, by which an association starts (RFC 9260 §3.3.2). */
export interface SctpInit {
  readonly initiateTag: number;
  readonly advertisedWindow: number;
  readonly outboundStreams: number;
  readonly inboundStreams: number;
  readonly initialTsn: number;
  /** Optional parameters as they are on the wire. */
  readonly parameters: Uint8Array;
}

const INIT = 1;

/** Reads one INIT chunk without the padding behind it; another chunk is HEADER_MALFORMED. */
export function parseSctpInit(reader: ByteReader): SctpInit {
  return parsing('SCTP INIT', reader, (offset) => {
    const type = reader.u8();
    const flags = reader.u8();
    const length = reader.u16();
    if (type !== INIT || flags !== 0 || length < 20)
      failHeader('HEADER_MALFORMED', {
        header: 'SCTP INIT',
        offset,
        problem: `has type ${type}, flags ${flags} and length ${length}`,
      });
    return {
      initiateTag: reader.u32(),
      advertisedWindow: reader.u32(),
      outboundStreams: reader.u16(),
      inboundStreams: reader.u16(),
      initialTsn: reader.u32(),
      parameters: reader.take(length - 20),
    };
  });
}

export function writeSctpInit(writer: ByteWriter, init: SctpInit): void {
  writer
    .u8(INIT)
    .u8(0)
    .u16(20 + init.parameters.length)
    .u32(init.initiateTag)
    .u32(init.advertisedWindow);
  writer.u16(init.outboundStreams).u16(init.inboundStreams).u32(init.initialTsn).put(init.parameters);
}
