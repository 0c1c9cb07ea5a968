/** What ICMP for IPv4 (RFC 792) and for IPv6 (RFC 4443) have in common: all but their types and the header they quote. */
import { ByteReader, type ByteWriter } from '../bytes.ts';
import { isTenetError } from '../errors.ts';
import { parsing } from './header-errors.ts';

interface IcmpStart {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
}

interface IcmpEcho extends IcmpStart {
  readonly kind: 'echo';
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/**
 * An error about a packet that it quotes: its header and at least 8 bytes behind (RFC 1812 §4.3.2.3), or as far as the
 * minimum MTU allows (RFC 4443 §3).
 */
interface IcmpError<Header> extends IcmpStart {
  readonly kind: 'error';
  /** Bytes 4 to 7: next-hop MTU (RFC 1191 §4, RFC 4443 §3.2), gateway, pointer or unused. */
  readonly restOfHeader: number;
  readonly quoted: { readonly header: Header; readonly payload: Uint8Array };
}

/** Any other type, or an error whose quotation is no packet of its family. */
interface IcmpOther extends IcmpStart {
  readonly kind: 'other';
  /** All behind the checksum. */
  readonly body: Uint8Array;
}

/** A message that quotes headers of one family. */
export type Icmp<Header> = IcmpEcho | IcmpError<Header> | IcmpOther;

/** What one family has of its own. */
export interface IcmpFamily<Header> {
  /** For errors: `ICMPv4`. */
  readonly name: string;
  readonly isEcho: (type: number) => boolean;
  /** True for the errors that quote behind 4 bytes. */
  readonly isError: (type: number) => boolean;
  readonly parseHeader: (reader: ByteReader) => Header;
  readonly writeHeader: (writer: ByteWriter, header: Header) => void;
}

/** Reads a message to the end of the reader. */
export function parseIcmp<Header>(reader: ByteReader, family: IcmpFamily<Header>): Icmp<Header> {
  return parsing(family.name, reader, () => {
    const start = { type: reader.u8(), code: reader.u8(), checksum: reader.u16() };
    if (family.isEcho(start.type))
      return { kind: 'echo', ...start, identifier: reader.u16(), sequence: reader.u16(), data: reader.rest() };
    const body = reader.rest();
    const quoting = family.isError(start.type)
      ? parseError(new ByteReader(body), start, family.parseHeader)
      : undefined;
    return quoting ?? { kind: 'other', ...start, body };
  });
}

export function writeIcmp<Header>(writer: ByteWriter, message: Icmp<Header>, family: IcmpFamily<Header>): void {
  writer.u8(message.type).u8(message.code).u16(message.checksum);
  switch (message.kind) {
    case 'echo':
      writer.u16(message.identifier).u16(message.sequence).put(message.data);
      return;
    case 'error':
      writer.u32(message.restOfHeader);
      family.writeHeader(writer, message.quoted.header);
      writer.put(message.quoted.payload);
      return;
    case 'other':
      writer.put(message.body);
  }
}

function parseError<Header>(
  reader: ByteReader,
  start: IcmpStart,
  parseHeader: (reader: ByteReader) => Header,
): IcmpError<Header> | undefined {
  if (reader.left < 4) return undefined;
  const restOfHeader = reader.u32();
  try {
    return { kind: 'error', ...start, restOfHeader, quoted: { header: parseHeader(reader), payload: reader.rest() } };
  } catch (error) {
    if (isTenetError(error, 'HEADER_MALFORMED')) return undefined;
    throw error;
  }
}
