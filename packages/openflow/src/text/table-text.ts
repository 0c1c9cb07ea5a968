import { parseCount } from './number-text.ts';
import type { Piece } from './piece.ts';
import { quoted, unquoted } from './port-text.ts';

/** Reads a table by its number or by a name that `tables` knows. 255 is none: it means "all" or "the same one". */
export function parseTable(piece: Piece, tables?: ReadonlyMap<string, number>): number {
  const wanted = 'a table from 0 to 254 or the name of one';
  const table = tables?.get(unquoted(piece.text)) ?? parseCount(piece, 8, wanted);
  return table === 255 ? piece.fail(wanted) : table;
}

/** The text of a table: its name if one is given, else its number. */
export function formatTable(table: number, names?: ReadonlyMap<number, string>): string {
  const name = names?.get(table);
  return name === undefined ? String(table) : quoted(name);
}
