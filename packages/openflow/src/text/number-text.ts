import type { Piece } from './piece.ts';

/**
 * Reads a decimal or `0x` number of at most so many bits. A leading zero is refused: the tool takes `010` for eight,
 * and nobody who writes it means that.
 */
export function parseNumber(piece: Piece, bits: number, what = `a number of at most ${bits} bits`): bigint {
  if (!/^(0x[0-9a-f]{1,40}|0|[1-9]\d{0,40})$/i.test(piece.text)) piece.fail(what);
  const value = BigInt(piece.text);
  return value >> BigInt(bits) === 0n ? value : piece.fail(what);
}

/** The same for a number of at most 53 bits that the model keeps as a number. */
export function parseCount(piece: Piece, bits: number, what?: string): number {
  return Number(parseNumber(piece, bits, what));
}

/** Hexadecimal as C's `%#x` writes it: zero has no prefix. */
export function formatHex(value: bigint): string {
  return value === 0n ? '0' : `0x${value.toString(16)}`;
}
