import type { ByteReader, ByteWriter } from '../bytes.ts';
import { failHeader, parsing } from './header-errors.ts';

/** A UDP header (RFC 768). */
export interface UdpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Header and payload in bytes, as the header says; 0 in a jumbogram (RFC 2675 §4). */
  readonly length: number;
  /** 0 means that the sender made none. */
  readonly checksum: number;
}

/** Reads 8 bytes. */
export function parseUdp(reader: ByteReader): UdpHeader {
  return parsing('UDP', reader, (offset) => {
    const header = {
      sourcePort: reader.u16(),
      destinationPort: reader.u16(),
      length: reader.u16(),
      checksum: reader.u16(),
    };
    if (header.length !== 0 && header.length < 8)
      failHeader('HEADER_MALFORMED', { header: 'UDP', offset, problem: `claims ${header.length} bytes in all` });
    return header;
  });
}

export function writeUdp(writer: ByteWriter, { sourcePort, destinationPort, length, checksum }: UdpHeader): void {
  writer.u16(sourcePort).u16(destinationPort).u16(length).u16(checksum);
}
