import { failAddress } from './address-errors.ts';
import { ADDRESS_BITS, type Family, Ip } from './ip.ts';

/** An address prefix (CIDR, RFC 4632): a canonical network address and its length in bits. */
export class Prefix {
  /** The network address; its host bits are zero. */
  readonly address: Ip;
  readonly length: number;

  private constructor(address: Ip, length: number) {
    this.address = address;
    this.length = length;
  }

  /** The prefix of this length that holds the address; RangeError when the length does not fit the family. */
  static of(address: Ip, length: number): Prefix {
    const bits = ADDRESS_BITS[address.family];
    if (!Number.isInteger(length) || length < 0 || length > bits)
      throw new RangeError(`/${length} is not an IPv${address.family} prefix length`);
    return new Prefix(Ip.of(address.family, address.value & maskOf(address.family, length)), length);
  }

  /** Reads `10.128.0.0/14`. Host bits are refused (PREFIX_HAS_HOST_BITS), not masked away. */
  static parse(text: string): Prefix {
    const prefix = Prefix.parseLoose(text);
    const canonical = prefix.toString();
    const written = Ip.parse(text.slice(0, text.indexOf('/')));
    if (!written.equals(prefix.address)) failAddress('PREFIX_HAS_HOST_BITS', { text, canonical });
    return prefix;
  }

  /** Reads `10.131.2.1/23` as the prefix that holds it. */
  static parseLoose(text: string): Prefix {
    const [, address, length] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
    if (address === undefined || length === undefined)
      return failAddress('ADDRESS_MALFORMED', { text, expected: 'a prefix such as 10.128.0.0/14' });
    const ip = Ip.parse(address);
    if (Number(length) > ADDRESS_BITS[ip.family])
      return failAddress('ADDRESS_MALFORMED', {
        text,
        expected: `a prefix of at most ${ADDRESS_BITS[ip.family]} bits`,
      });
    return Prefix.of(ip, Number(length));
  }

  get family(): Family {
    return this.address.family;
  }

  /** The mask as a number: `length` ones, then zeros. */
  get mask(): bigint {
    return maskOf(this.family, this.length);
  }

  /** How many addresses it holds. */
  get size(): bigint {
    return 1n << BigInt(ADDRESS_BITS[this.family] - this.length);
  }

  /** The highest address in it (IPv4: the directed broadcast address). */
  get last(): Ip {
    return this.address.plus(this.size - 1n);
  }

  contains(ip: Ip): boolean {
    return ip.family === this.family && (ip.value & this.mask) === this.address.value;
  }

  /** True when some address is in both, so also when one holds the other. */
  overlaps(other: Prefix): boolean {
    return this.contains(other.address) || other.contains(this.address);
  }

  equals(other: Prefix): boolean {
    return this.length === other.length && this.address.equals(other.address);
  }

  toString(): string {
    return `${this.address}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

function maskOf(family: Family, length: number): bigint {
  const bits = BigInt(ADDRESS_BITS[family]);
  const all = (1n << bits) - 1n;
  return (all << (bits - BigInt(length))) & all;
}
