import type { Masked } from '../flow.ts';
import { parseNumber } from './number-text.ts';
import type { Piece } from './piece.ts';

/** A field of named bits: bit n has the n-th name (ovs-fields(7)). */
export interface FlagNames {
  readonly bits: number;
  readonly names: readonly string[];
}

export const CT_STATE: FlagNames = { bits: 8, names: ['new', 'est', 'rel', 'rpl', 'inv', 'trk', 'snat', 'dnat'] };

/** The three bits above NS have no name; the tool prints their value in brackets. */
export const TCP_FLAGS: FlagNames = {
  bits: 12,
  names: ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr', 'ns', '[200]', '[400]', '[800]'],
};

export const TUN_FLAGS: FlagNames = { bits: 1, names: ['oam'] };

/** Reads `+trk-rpl`, `est|trk`, `0x22` and `0x22/0x22`. */
export function parseFlags(piece: Piece, flags: FlagNames): Required<Masked> {
  const full = (1n << BigInt(flags.bits)) - 1n;
  const { text } = piece;
  if (/^\d/.test(text)) {
    const [value, mask] = piece.halves('/') ?? [piece, undefined];
    return {
      value: parseNumber(value, flags.bits),
      mask: mask === undefined ? full : parseNumber(mask, flags.bits),
    };
  }
  if (!/^[+-]/.test(text)) {
    const value = piece.split(/\|/).reduce((sum, flag) => sum | bitOf(flag, flags), 0n);
    return text === '' ? piece.fail(expectation(flags)) : { value, mask: full };
  }
  let value = 0n;
  let mask = 0n;
  for (const { index, 0: match } of text.matchAll(/[+-][^+-]*/g)) {
    const bit = bitOf(piece.cut(index + 1, index + match.length), flags);
    if ((mask & bit) !== 0n) piece.cut(index).fail('each flag once');
    mask |= bit;
    if (match.startsWith('+')) value |= bit;
  }
  return { value, mask };
}

/** `+trk-rpl` under a mask, `est|trk` when every flag counts, `0` when all of them are clear. */
export function formatFlags({ value, mask }: Masked, { bits, names }: FlagNames): string {
  const shown = names.flatMap((name, at) => ((value >> BigInt(at)) & 1n ? [name] : []));
  // With a single flag there is nothing to leave open, and the tool writes its sign.
  if (mask === undefined && bits > 1) return shown.length === 0 ? '0' : shown.join('|');
  const counts = mask ?? (1n << BigInt(bits)) - 1n;
  return names
    .map((name, at) => ((counts >> BigInt(at)) & 1n ? `${shown.includes(name) ? '+' : '-'}${name}` : ''))
    .join('');
}

function bitOf(piece: Piece, flags: FlagNames): bigint {
  const at = flags.names.indexOf(piece.text);
  return at < 0 ? piece.fail(expectation(flags)) : 1n << BigInt(at);
}

function expectation({ names }: FlagNames): string {
  return `flags out of ${names.join(', ')}, each with + or -`;
}
