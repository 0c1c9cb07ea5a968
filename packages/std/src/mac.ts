import { failAddress } from './address-errors.ts';
import type { Ip } from './ip.ts';

/** A 48-bit Ethernet address (IEEE 802 §8). */
export class Mac {
  static readonly BROADCAST = new Mac(0xffff_ffff_ffffn);

  readonly value: bigint;

  private constructor(value: bigint) {
    this.value = value;
  }

  static of(value: bigint): Mac {
    if (value < 0n || value >> 48n !== 0n) throw new RangeError(`${value} is not a 48-bit MAC`);
    return new Mac(value);
  }

  /** Reads `0a:58:0a:83:02:2d`, either case; anything else is ADDRESS_MALFORMED. */
  static parse(text: string): Mac {
    if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
      failAddress('ADDRESS_MALFORMED', { text, expected: 'a MAC such as 0a:58:0a:83:02:2d' });
    return new Mac(BigInt(`0x${text.replaceAll(':', '')}`));
  }

  static fromBytes(bytes: Uint8Array): Mac {
    if (bytes.length !== 6) throw new RangeError(`a MAC has 6 bytes, not ${bytes.length}`);
    return new Mac(bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n));
  }

  /** The MAC of a pod or gateway: `0a:58:` and its IPv4 address in hex. RangeError for IPv6. */
  static fromIpv4(ip: Ip): Mac {
    if (ip.family !== 4) throw new RangeError(`${ip} is not an IPv4 address`);
    return new Mac(0x0a58_0000_0000n | ip.value);
  }

  toBytes(): Uint8Array {
    return Uint8Array.from({ length: 6 }, (_, at) => Number((this.value >> BigInt(40 - 8 * at)) & 0xffn));
  }

  equals(other: Mac): boolean {
    return this.value === other.value;
  }

  toString(): string {
    return this.value
      .toString(16)
      .padStart(12, '0')
      .replace(/..(?=.)/g, '$&:');
  }

  toJSON(): string {
    return this.toString();
  }
}
