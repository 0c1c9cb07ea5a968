import { FIELDS, type FieldName, fullMask } from '../fields.ts';
import type { Masked } from '../flow.ts';
import { formatAddress, formatMac, parseAddress, parseMac } from './address-text.ts';
import { CT_STATE, formatFlags, parseFlags, TCP_FLAGS, TUN_FLAGS } from './flag-text.ts';
import { formatHex, parseNumber } from './number-text.ts';
import type { Piece } from './piece.ts';
import { formatPort, parsePort } from './port-text.ts';

/** Reads the value of a field as it stands behind `=` in a match and before `->` in set_field. */
export function parseFieldValue(name: FieldName, piece: Piece, ports?: ReadonlyMap<string, number>): Masked {
  switch (FIELDS[name].format) {
    case 'decimal':
    case 'hex': {
      const [value, mask] = piece.halves('/') ?? [piece, undefined];
      const { bits } = FIELDS[name];
      return mask === undefined
        ? { value: parseNumber(value, bits) }
        : { value: parseNumber(value, bits), mask: parseNumber(mask, bits) };
    }
    case 'mac':
      return parseMac(piece);
    case 'ipv4':
      return parseAddress(piece, 4);
    case 'ipv6':
      return parseAddress(piece, 6);
    case 'port':
      return { value: BigInt(parsePort(piece, ports)) };
    case 'frag':
      return FRAGMENTS.get(piece.text) ?? piece.fail(`one of ${[...FRAGMENTS.keys()].join(', ')}`);
    case 'ct_state':
      return parseFlags(piece, CT_STATE);
    case 'tcp_flags':
      return parseFlags(piece, TCP_FLAGS);
    case 'tun_flags':
      return parseFlags(piece, TUN_FLAGS);
  }
}

/** The value in a match. Masked decimals become hexadecimal there, and some fields have a fixed width. */
export function formatMatchValue(name: FieldName, masked: Masked, ports?: ReadonlyMap<number, string>): string {
  const digits = FIXED_DIGITS[name];
  if (digits !== undefined) {
    const fixed = (value: bigint) => `0x${value.toString(16).padStart(digits, '0')}`;
    return masked.mask === undefined ? fixed(masked.value) : `${fixed(masked.value)}/${fixed(masked.mask)}`;
  }
  if (FIELDS[name].format === 'decimal' && masked.mask !== undefined) {
    return `0x${masked.value.toString(16)}/0x${masked.mask.toString(16)}`;
  }
  return formatFieldValue(name, masked, ports);
}

/** The value in set_field. */
export function formatFieldValue(name: FieldName, masked: Masked, ports?: ReadonlyMap<number, string>): string {
  const { value, mask } = masked;
  const behind = mask === undefined ? '' : `/${formatHex(mask)}`;
  switch (FIELDS[name].format) {
    case 'decimal':
      return `${value}${behind}`;
    case 'hex':
      return `${formatHex(value)}${behind}`;
    case 'mac':
      return formatMac(masked);
    case 'ipv4':
      return formatAddress(masked, 4);
    case 'ipv6':
      return formatAddress(masked, 6);
    case 'port':
      return formatPort(Number(value), ports);
    case 'frag':
      return fragmentName(masked);
    case 'ct_state':
      return formatFlags(masked, CT_STATE);
    case 'tcp_flags':
      return formatFlags(masked, TCP_FLAGS);
    case 'tun_flags':
      return formatFlags(masked, TUN_FLAGS);
  }
}

const FIXED_DIGITS: Readonly<Partial<Record<FieldName, number>>> = { eth_type: 4, vlan_tci: 4, ipv6_label: 5 };

/** nw_frag: bit 0 any fragment, bit 1 not the first (ovs-fields(7)). */
const FRAGMENTS: ReadonlyMap<string, Masked> = new Map([
  ['no', { value: 0n }],
  ['yes', { value: 1n, mask: 1n }],
  ['first', { value: 1n }],
  ['later', { value: 3n }],
  ['not_later', { value: 0n, mask: 2n }],
]);

function fragmentName({ value, mask = fullMask('ip_frag') }: Masked): string {
  if (mask === 1n) return value === 1n ? 'yes' : 'no';
  if (mask === 2n) return value === 2n ? 'later' : 'not_later';
  return ['no', 'first', '<error>', 'later'][Number(value)] ?? '<error>';
}
