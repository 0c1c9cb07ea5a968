import { failAddress } from './address-errors.ts';
import { formatIpv4, parseIpv4 } from './ipv4-text.ts';
import { formatIpv6, parseIpv6 } from './ipv6-text.ts';

export type Family = 4 | 6;

/** The number of bits in an address of each family. */
export const ADDRESS_BITS = { 4: 32, 6: 128 } as const satisfies Record<Family, number>;

/** An IPv4 or IPv6 address: an immutable value that knows its family (RFC 791, RFC 4291). */
export class Ip {
  readonly family: Family;
  /** The address as a number in network bit order. */
  readonly value: bigint;

  private constructor(family: Family, value: bigint) {
    this.family = family;
    this.value = value;
  }

  /** An address from its number; RangeError when the number does not fit the family. */
  static of(family: Family, value: bigint): Ip {
    if (value < 0n || value >> BigInt(ADDRESS_BITS[family]) !== 0n) {
      throw new RangeError(`${value} is not an IPv${family} address`);
    }
    return new Ip(family, value);
  }

  /** Reads `10.1.2.3` or `2001:db8::1`; anything else is ADDRESS_MALFORMED (no leading zeros, no zone). */
  static parse(text: string): Ip {
    if (text.includes(':')) {
      const value = parseIpv6(text);
      return value === undefined
        ? failAddress('ADDRESS_MALFORMED', { text, expected: 'an IPv6 address' })
        : new Ip(6, value);
    }
    const value = parseIpv4(text);
    if (value === undefined)
      return failAddress('ADDRESS_MALFORMED', { text, expected: 'an IP address such as 10.131.2.45' });
    return new Ip(4, BigInt(value));
  }

  /** An address from 4 or 16 bytes in network order. */
  static fromBytes(bytes: Uint8Array): Ip {
    if (bytes.length !== 4 && bytes.length !== 16)
      throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
    return new Ip(
      bytes.length === 4 ? 4 : 6,
      bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n),
    );
  }

  /** 4 or 16 bytes in network order. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(ADDRESS_BITS[this.family] / 8);
    let rest = this.value;
    for (let at = bytes.length - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
    return bytes;
  }

  /** The address `offset` after this one; RangeError when it leaves the family. */
  plus(offset: number | bigint): Ip {
    return Ip.of(this.family, this.value + BigInt(offset));
  }

  equals(other: Ip): boolean {
    return this.family === other.family && this.value === other.value;
  }

  /** Orders IPv4 before IPv6, then by number. */
  static compare(a: Ip, b: Ip): number {
    if (a.family !== b.family) return a.family - b.family;
    return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
  }

  /** The canonical text: dotted quad, or RFC 5952. */
  toString(): string {
    if (this.family === 6) return formatIpv6(this.value);
    return formatIpv4(this.value);
  }

  toJSON(): string {
    return this.toString();
  }
}
