import { ADDRESS_BITS, type Family, Ip, Mac } from '@tenet/std';
import type { Masked } from '../flow.ts';
import type { Piece } from './piece.ts';

/** Reads an IPv4 or IPv6 address with `/24` or an arbitrary mask behind it. */
export function parseAddress(piece: Piece, family: Family): Masked {
  const [address, length] = piece.halves('/') ?? [piece, undefined];
  const value = parseIp(address, family);
  if (length === undefined) return { value };
  if (!/^\d{1,3}$/.test(length.text)) return { value, mask: parseIp(length, family) };
  const bits = ADDRESS_BITS[family];
  if (Number(length.text) > bits) length.fail(`a prefix length of at most ${bits}`);
  return { value, mask: prefixMask(family, Number(length.text)) };
}

/** `10.128.0.0/14`, or `10.0.1.0/255.0.255.0` when the mask is no prefix. */
export function formatAddress({ value, mask }: Masked, family: Family): string {
  const address = formatIp(value, family);
  if (mask === undefined) return address;
  const length = mask.toString(2).replace(/0+$/, '').length;
  const isPrefix = mask !== 0n && mask === prefixMask(family, length);
  return `${address}/${isPrefix ? length : formatIp(mask, family)}`;
}

/** One address without a mask. */
export function parseIp(piece: Piece, family: Family): bigint {
  try {
    const ip = Ip.parse(piece.text);
    if (ip.family === family) return ip.value;
  } catch {
    // The sentence below also says where.
  }
  return piece.fail(`an IPv${family} address`);
}

/**
 * As the tool's C library writes it: an IPv4 address as the last 32 bits of `::a.b.c.d` and `::ffff:a.b.c.d`, otherwise
 * as RFC 5952 says.
 */
export function formatIp(value: bigint, family: Family): string {
  const ip = Ip.of(family, value);
  if (family === 4) return ip.toString();
  const low = Ip.of(4, value & 0xffff_ffffn);
  if (value >> 32n === 0xffffn) return `::ffff:${low}`;
  return value >> 32n === 0n && value >> 16n !== 0n ? `::${low}` : ip.toString();
}

export function parseMac(piece: Piece): Masked {
  const [address, mask] = piece.halves('/') ?? [piece, undefined];
  return mask === undefined ? { value: macOf(address) } : { value: macOf(address), mask: macOf(mask) };
}

export function formatMac({ value, mask }: Masked): string {
  return mask === undefined ? `${Mac.of(value)}` : `${Mac.of(value)}/${Mac.of(mask)}`;
}

function macOf(piece: Piece): bigint {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(piece.text)) piece.fail('a MAC such as 0a:58:0a:83:02:2d');
  return BigInt(
    `0x${piece.text
      .split(':')
      .map((byte) => byte.padStart(2, '0'))
      .join('')}`,
  );
}

function prefixMask(family: Family, length: number): bigint {
  const bits = BigInt(ADDRESS_BITS[family]);
  const all = (1n << bits) - 1n;
  return (all << (bits - BigInt(length))) & all;
}
