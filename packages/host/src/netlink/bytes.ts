/**
 * Values in the byte order of the machine, as netlink wants them. (ByteReader and ByteWriter of std are big-endian;
 * what netlink keeps in network order, addresses and ports, is given to it as bytes.) Mostly without views, of which one
 * costs more than all else that is done with a number: a hundred thousand tracked connections have millions.
 */

export const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Every part of a netlink message starts at a multiple of this (NLMSG_ALIGNTO, NLA_ALIGNTO). */
const ALIGNMENT = 4;

export function aligned(lengthBytes: number): number {
  return (lengthBytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return LITTLE_ENDIAN ? Uint8Array.of(value, value >>> 8) : Uint8Array.of(value >>> 8, value);
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, LITTLE_ENDIAN);
  return bytes;
}

/** Text and the zero that ends it. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

/** RangeError when the bytes are too short, here and below. */
export function readU16(bytes: Uint8Array, at = 0): number {
  const first = bytes[at];
  const second = bytes[at + 1];
  if (first === undefined || second === undefined) throw new RangeError(`no 16 bits at ${at} of ${bytes.length} bytes`);
  return LITTLE_ENDIAN ? first | (second << 8) : (first << 8) | second;
}

export function readU32(bytes: Uint8Array, at = 0): number {
  const [low, high] = LITTLE_ENDIAN ? [at, at + 2] : [at + 2, at];
  return readU16(bytes, low) + readU16(bytes, high) * 2 ** 16;
}

/** A number in network order, as netfilter's attributes have them. */
export function readBe16(bytes: Uint8Array): number {
  const first = bytes[0];
  const second = bytes[1];
  if (first === undefined || second === undefined) throw new RangeError(`no 16 bits in ${bytes.length} bytes`);
  return (first << 8) | second;
}

export function readBe32(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(0);
}

/** Text up to the zero that ends it. */
export function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
