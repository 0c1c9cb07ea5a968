import { FIELD_NAMES, type FieldName, fullMask } from './fields.ts';
import type { Masked, Match } from './flow.ts';

/** A field's value as callers like to write it: a number, a boolean-free bigint, or a value under a mask. */
export type MatchInput = Readonly<Partial<Record<FieldName, bigint | number | Masked>>>;

/**
 * The canonical form of a match: fields in table order, no bit of a value outside its mask, no full mask, no field
 * whose mask is zero. Two matches are the same if and only if their canonical forms are deeply equal.
 *
 * A switch has one storage for some fields of several names, and reports them under whichever name the protocol
 * version prefers. They are folded into one: `xregN` into two 32-bit registers, `vlan_vid` and `vlan_pcp` into
 * `vlan_tci` (bit 12, CFI, says that there is a tag: ovs-fields(7), "VLAN Fields").
 *
 * RangeError when a name is no field, a value or mask does not fit its field, or two names of the same bits disagree.
 */
export function canonicalMatch(input: MatchInput): Match {
  const found = new Map<FieldName, Required<Masked>>();
  for (const name of Object.keys(input) as FieldName[]) {
    const given = input[name];
    if (given === undefined) continue;
    if (!RANK.has(name)) throw new RangeError(`${name} is no match field`);
    const { value, mask } = typeof given === 'object' ? given : { value: BigInt(given), mask: undefined };
    const full = fullMask(name);
    if (value < 0n || value > full || (mask !== undefined && (mask < 0n || mask > full))) {
      throw new RangeError(`${name}=${value}${mask === undefined ? '' : `/${mask}`} does not fit the field`);
    }
    for (const [stored, part] of storage(name, { value, mask: mask ?? full })) {
      found.set(stored, merged(stored, found.get(stored), part));
    }
  }
  const out: Partial<Record<FieldName, Masked>> = {};
  for (const [name, { value, mask }] of [...found].sort(([a], [b]) => rankOf(a) - rankOf(b))) {
    if (mask === 0n) continue;
    const exact = exactMask(name);
    out[name] = (mask & exact) === exact ? { value: value & mask } : { value: value & mask, mask };
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

/** Where a field stands in the table. */
const RANK: ReadonlyMap<FieldName, number> = new Map(FIELD_NAMES.map((name, at) => [name, at]));

function rankOf(name: FieldName): number {
  return RANK.get(name) ?? 0;
}

const CFI = 0x1000n;
const PCP_SHIFT = 13n;

/** Where the switch keeps a field of this name. */
function storage(name: FieldName, { value, mask }: Required<Masked>): [FieldName, Required<Masked>][] {
  if (name === 'vlan_vid') return [['vlan_tci', { value, mask }]];
  if (name === 'vlan_pcp')
    return [['vlan_tci', { value: (value << PCP_SHIFT) | CFI, mask: (mask << PCP_SHIFT) | CFI }]];
  const pair = XREG_PAIRS.get(name);
  if (pair === undefined) return [[name, { value, mask }]];
  const [high, low] = pair;
  return [
    [high, { value: value >> 32n, mask: mask >> 32n }],
    [low, { value: value & 0xffff_ffffn, mask: mask & 0xffff_ffffn }],
  ];
}

/** xreg0 is reg0 (its high bits) and reg1, and so on (ovs-fields(7), "Register Fields"). */
const XREG_PAIRS: ReadonlyMap<FieldName, readonly [FieldName, FieldName]> = new Map([
  ['xreg0', ['reg0', 'reg1']],
  ['xreg1', ['reg2', 'reg3']],
  ['xreg2', ['reg4', 'reg5']],
  ['xreg3', ['reg6', 'reg7']],
  ['xreg4', ['reg8', 'reg9']],
  ['xreg5', ['reg10', 'reg11']],
  ['xreg6', ['reg12', 'reg13']],
  ['xreg7', ['reg14', 'reg15']],
]);

function merged(name: FieldName, one: Required<Masked> | undefined, two: Required<Masked>): Required<Masked> {
  if (one === undefined) return two;
  if (((one.value ^ two.value) & one.mask & two.mask) !== 0n) throw new RangeError(`${name} is given two values`);
  return { value: (one.value & one.mask) | (two.value & two.mask), mask: one.mask | two.mask };
}

/** Open vSwitch keeps eight flags of the 32-bit ct_state, and reports a match on all eight under the mask 0xff. */
function exactMask(name: FieldName): bigint {
  return name === 'ct_state' ? 0xffn : fullMask(name);
}
