import type { ByteReader, ByteWriter } from '../bytes.ts';
import { Ip } from '../ip.ts';
import { failHeader, parsing } from './header-errors.ts';
import { IP_PROTOCOL } from './ip-protocol.ts';

/** An IPv6 header with its extension headers (RFC 8200 §3, §4). */
export interface Ipv6Header {
  readonly dscp: number;
  readonly ecn: number;
  readonly flowLabel: number;
  /** Extension headers and payload in bytes, as the header says: a cut capture has fewer. */
  readonly payloadLength: number;
  readonly hopLimit: number;
  readonly source: Ip;
  readonly destination: Ip;
  readonly extensions: readonly Ipv6Extension[];
  /** The Next Header value behind the last extension: the upper layer. */
  readonly protocol: number;
}

/** An extension header; which protocol number announces it, and its bytes behind its own Next Header field. */
export interface Ipv6Extension {
  readonly type: number;
  readonly body: Uint8Array;
}

/** Reads the fixed header and walks the extension headers up to the upper layer, or to a later fragment's bytes. */
export function parseIpv6(reader: ByteReader): Ipv6Header {
  return parsing('IPv6', reader, (offset) => {
    const first = reader.u32();
    if (first >>> 28 !== 6)
      failHeader('HEADER_MALFORMED', { header: 'IPv6', offset, problem: `claims version ${first >>> 28}` });
    const payloadLength = reader.u16();
    let protocol = reader.u8();
    const hopLimit = reader.u8();
    const source = Ip.fromBytes(reader.take(16));
    const destination = Ip.fromBytes(reader.take(16));
    const extensions: Ipv6Extension[] = [];
    while (isExtension(protocol) && !isLaterFragment({ extensions })) {
      const { body, next } = parseExtension(reader, protocol);
      extensions.push({ type: protocol, body });
      protocol = next;
    }
    return {
      dscp: (first >>> 22) & 0x3f,
      ecn: (first >>> 20) & 3,
      flowLabel: first & 0xf_ffff,
      payloadLength,
      hopLimit,
      source,
      destination,
      extensions,
      protocol,
    };
  });
}

export function writeIpv6(writer: ByteWriter, header: Ipv6Header): void {
  const { dscp, ecn, flowLabel, source, destination, extensions } = header;
  if (source.family !== 6 || destination.family !== 6) throw new RangeError('an IPv6 header carries IPv6 addresses');
  if (dscp > 63 || ecn > 3 || flowLabel > 0xf_ffff)
    throw new RangeError(`DSCP ${dscp}, ECN ${ecn} and flow label ${flowLabel} do not fit 6, 2 and 20 bits`);
  writer.u32(6 * 2 ** 28 + dscp * 2 ** 22 + ecn * 2 ** 20 + flowLabel);
  writer
    .u16(header.payloadLength)
    .u8(extensions[0]?.type ?? header.protocol)
    .u8(header.hopLimit);
  writer.put(source.toBytes()).put(destination.toBytes());
  for (const [at, { body }] of extensions.entries()) writer.u8(extensions[at + 1]?.type ?? header.protocol).put(body);
}

/** True for a fragment that is not the first: what follows is no upper-layer header (RFC 8200 §4.5). */
export function isLaterFragment({ extensions }: Pick<Ipv6Header, 'extensions'>): boolean {
  return extensions.some(({ type, body: [, high = 0, low = 0] }) => {
    return type === IP_PROTOCOL.FRAGMENT && ((high << 8) | (low & 0xf8)) !== 0;
  });
}

function isExtension(protocol: number): boolean {
  const { HOP_BY_HOP, ROUTING, FRAGMENT, AH, DESTINATION_OPTIONS, MOBILITY } = IP_PROTOCOL;
  const known: readonly number[] = [HOP_BY_HOP, ROUTING, FRAGMENT, AH, DESTINATION_OPTIONS, MOBILITY];
  return known.includes(protocol);
}

function parseExtension(reader: ByteReader, type: number): { body: Uint8Array; next: number } {
  return parsing('IPv6 extension', reader, () => {
    const next = reader.u8();
    const lengthField = reader.bytes[reader.at] ?? 0;
    return { next, body: reader.take(extensionLength(type, lengthField) - 1) };
  });
}

/** Bytes of a whole extension header: fixed for Fragment, in units of 4 for AH (RFC 4302 §2.2), of 8 for the rest. */
function extensionLength(type: number, lengthField: number): number {
  if (type === IP_PROTOCOL.FRAGMENT) return 8;
  return type === IP_PROTOCOL.AH ? (lengthField + 2) * 4 : (lengthField + 1) * 8;
}
