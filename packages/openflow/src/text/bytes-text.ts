import { toHex } from '@tenet/std';
import type { Piece } from './piece.ts';

/** Reads `54.45.4e`; the dots may be left out. */
export function parseBytes(piece: Piece, maxBytes: number): Uint8Array {
  if (!/^([0-9a-f]{2}(\.?[0-9a-f]{2})*)?$/i.test(piece.text)) piece.fail('bytes in hexadecimal, such as 54.45.4e');
  const digits = piece.text.replaceAll('.', '');
  if (digits.length > 2 * maxBytes) piece.fail(`at most ${maxBytes} bytes`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
}

export function formatBytes(bytes: Uint8Array): string {
  return toHex(bytes).replace(/..(?=.)/g, '$&.');
}
