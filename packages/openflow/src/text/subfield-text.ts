import type { Subfield } from '../action.ts';
import { FIELDS } from '../fields.ts';
import { fieldNamed, fieldOfNxm, needsProtocol, type Protocol } from './field-names.ts';
import type { Piece } from './piece.ts';

/**
 * Reads `NXM_NX_REG0[]`, `reg0[0..15]`, `tun_id[7]` or just `reg2`. `NXM_OF_IN_PORT` is the old 16-bit name of
 * in_port, so it is read as in_port's low 16 bits.
 */
export function parseSubfield(piece: Piece, protocol: Protocol = {}): Subfield {
  const [, name = '', brackets, first, last] =
    /^([A-Za-z]\w*)(\[(?:(\d{1,3})(?:\.\.(\d{1,3}))?)?\])?$/.exec(piece.text) ?? [];
  if (name === '') piece.fail('a field with its bits, such as NXM_NX_REG0[0..15]');
  const field = fieldOfNxm(name) ?? fieldNamed(name, protocol);
  if (field === undefined) {
    return needsProtocol(name)
      ? piece.fail(`a match on the protocol that ${name} belongs to`)
      : piece.cut(0, name.length).fail('a field', 'FLOW_FIELD_UNKNOWN');
  }
  const width = name === 'NXM_OF_IN_PORT' ? 16 : FIELDS[field].bits;
  if (brackets === undefined || first === undefined) return { field, offset: 0, bits: width };
  const end = Number(last ?? first);
  if (end >= width || end < Number(first)) piece.fail(`bits within 0..${width - 1}, the lower one first`);
  return { field, offset: Number(first), bits: end - Number(first) + 1 };
}

/** The text of a subfield with the name that the switch prints. */
export function formatSubfield({ field, offset, bits }: Subfield): string {
  const isOldPort = field === 'in_port' && offset + bits <= 16;
  const [name, width] = isOldPort ? ['NXM_OF_IN_PORT', 16] : [FIELDS[field].nxm, FIELDS[field].bits];
  if (offset === 0 && bits === width) return `${name}[]`;
  return bits === 1 ? `${name}[${offset}]` : `${name}[${offset}..${offset + bits - 1}]`;
}
