import { formatBytes, parseBytes } from './bytes-text.ts';
import type { Piece } from './piece.ts';

/**
 * Reads `54.45.4e`. The action is padded with zeros to a multiple of eight bytes on the wire (its header takes ten),
 * so a note of 6, 14, 22… bytes is what the switch keeps, and what we return.
 */
export function parseNote(piece: Piece): Uint8Array {
  return padded(parseBytes(piece, MAX_NOTE_BYTES));
}

/** The text of a note with its padding. */
export function formatNote(bytes: Uint8Array): string {
  return formatBytes(padded(bytes));
}

/** An action's length is a 16-bit number of bytes, a multiple of eight, of which ten are the header. */
const MAX_NOTE_BYTES = 0xfff8 - 10;

function padded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.max(6, Math.ceil((bytes.length + 10) / 8) * 8 - 10));
  out.set(bytes);
  return out;
}
