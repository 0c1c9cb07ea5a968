import { FIELD_NAMES, type FieldName, fullMask } from './fields.ts';
import type { Masked, Match } from './flow.ts';

/** A field's value as callers like to write it: a number, a boolean-free bigint, or a value under a mask. */
export type MatchInput = Readonly<Partial<Record<FieldName, bigint | number | Masked>>>;

/**
 * The canonical form of a match: fields in table order, no bit of a value outside its mask, no full mask, no field
 * whose mask is zero. Two matches are the same if and only if their canonical forms are deeply equal.
 * RangeError when a value or mask does not fit its field.
 */
export function canonicalMatch(input: MatchInput): Match {
  const out: Partial<Record<FieldName, Masked>> = {};
  for (const name of FIELD_NAMES) {
    const given = input[name];
    if (given === undefined) continue;
    const { value, mask } = typeof given === 'object' ? given : { value: BigInt(given), mask: undefined };
    const full = fullMask(name);
    if (value < 0n || value > full || (mask !== undefined && (mask < 0n || mask > full))) {
      throw new RangeError(`${name}=${value}${mask === undefined ? '' : `/${mask}`} does not fit the field`);
    }
    if (mask === undefined || mask === full) out[name] = { value };
    else if (mask !== 0n) out[name] = { value: value & mask, mask };
  }
  return out;
}

/** A text that is equal for equal canonical matches, and only for them. */
export function matchKey(match: Match): string {
  let key = '';
  for (const name in match) {
    const { value, mask } = match[name as FieldName] as Masked;
    key +=
      mask === undefined ? `${name}=${value.toString(16)},` : `${name}=${value.toString(16)}/${mask.toString(16)},`;
  }
  return key;
}
