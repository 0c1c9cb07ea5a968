import { failHost } from '../errors.ts';
import { aligned, joined, readU16, u16 } from './bytes.ts';

/** The two high bits of an attribute's type are flags: nested, and network byte order (NLA_TYPE_MASK). */
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const NLA_HDRLEN = 4;

/** Attributes of one level by type. The kernel sends each type once but in lists, which `listAttributes` reads. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** One attribute: length, type, value, zeros up to the alignment. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(aligned(NLA_HDRLEN + value.length));
  bytes.set(u16(NLA_HDRLEN + value.length));
  bytes.set(u16(type), 2);
  bytes.set(value, NLA_HDRLEN);
  return bytes;
}

/** The attributes whose values are given: a list in which what is not wanted is `undefined`. */
export function attributes(...list: readonly (readonly [type: number, value: Uint8Array | undefined])[]): Uint8Array {
  return joined(list.flatMap(([type, value]) => (value === undefined ? [] : [attribute(type, value)])));
}

/** The type of an attribute that holds attributes. */
export function nested(type: number): number {
  return type | NLA_F_NESTED;
}

/** Reads the attributes behind a fixed header; their values are not copied. */
export function readAttributes(bytes: Uint8Array, headerBytes = 0): Attributes {
  const found = new Map<number, Uint8Array>();
  eachAttribute(bytes, headerBytes, (type, value) => found.set(type, value));
  return found;
}

/** Reads attributes in order, also those whose types repeat or mean nothing. */
export function listAttributes(bytes: Uint8Array, headerBytes = 0): [type: number, value: Uint8Array][] {
  const list: [number, Uint8Array][] = [];
  eachAttribute(bytes, headerBytes, (type, value) => list.push([type, value]));
  return list;
}

function eachAttribute(bytes: Uint8Array, headerBytes: number, take: (type: number, value: Uint8Array) => void): void {
  for (let at = aligned(headerBytes); at + NLA_HDRLEN <= bytes.length; ) {
    const length = readU16(bytes, at);
    if (length < NLA_HDRLEN || at + length > bytes.length)
      failHost('NETLINK_MALFORMED', { why: `an attribute of ${length} bytes, ${bytes.length - at} are left` });
    take(readU16(bytes, at + 2) & NLA_TYPE_MASK, bytes.subarray(at + NLA_HDRLEN, at + length));
    at += aligned(length);
  }
}
