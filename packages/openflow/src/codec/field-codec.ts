/**
 * Match fields on the wire: OXM and NXM headers and values, all derived from FIELDS
 * (OpenFlow 1.4.1 §7.2.2.3, ovs-fields(7)).
 */
import type { ByteReader, ByteWriter } from '@tenet/std';
import type { Subfield } from '../action.ts';
import { FIELD_NAMES, FIELDS, type FieldName, fullMask } from '../fields.ts';
import { codecError, malformed } from './errors.ts';
import { ALL_ONES_64, ONF } from './protocol.ts';

/** What the hot path needs of a field, computed once. */
export interface WireField {
  readonly name: FieldName;
  /** Its place in table order, which is the order of a canonical match. */
  readonly index: number;
  readonly bytes: number;
  readonly bits: number;
  /** Every bit set. */
  readonly full: bigint;
  /** The header before an exact value, and before a value with a mask. */
  readonly exact: number;
  readonly masked: number;
  /** The header inside Nicira's actions, which write a field in its oldest form. */
  readonly nxm: number;
}

/** The class of a field whose owner is an experimenter named behind the header. */
const EXPERIMENTER_CLASS = 0xffff;

/** Fields that a switch reports under an experimenter header: TCP flags in OpenFlow 1.3 and 1.4 (ONF EXT-109). */
const EXPERIMENTER_FIELDS: readonly (readonly [experimenter: number, field: number, name: FieldName])[] = [
  [ONF, 42, 'tcp_flags'],
];

export const WIRE_FIELDS = Object.fromEntries(
  FIELD_NAMES.map((name, index) => [name, wireField(name, index)]),
) as Record<FieldName, WireField>;

const BY_CLASS_AND_FIELD: ReadonlyMap<number, WireField> = byClassAndField();

function wireField(name: FieldName, index: number): WireField {
  const { oxm, also, bytes, bits } = FIELDS[name];
  const oldest = [oxm, ...also].find(([oxmClass]) => oxmClass <= 1) ?? oxm;
  return {
    name,
    index,
    bytes,
    bits,
    full: fullMask(name),
    exact: header(oxm, false, bytes),
    masked: header(oxm, true, 2 * bytes),
    nxm: header(oldest, false, bytes),
  };
}

function header([oxmClass, field]: readonly [number, number], masked: boolean, length: number): number {
  return ((oxmClass << 16) | (field << 9) | (masked ? 0x100 : 0) | length) >>> 0;
}

function byClassAndField(): Map<number, WireField> {
  const map = new Map<number, WireField>();
  for (const field of Object.values(WIRE_FIELDS)) {
    const { oxm, also } = FIELDS[field.name];
    for (const [oxmClass, number] of [oxm, ...also]) {
      const key = (oxmClass << 7) | number;
      const twin = map.get(key);
      if (twin !== undefined) throw new RangeError(`${twin.name} and ${field.name} claim one header`);
      map.set(key, field);
    }
  }
  return map;
}

/** Writes one field with its header. A full mask must have been left out. */
export function writeOxm(w: ByteWriter, field: WireField, value: bigint, mask: bigint | undefined): void {
  if (mask === undefined) {
    w.u32(field.exact);
    writeValue(w, value, field.bytes);
  } else {
    w.u32(field.masked);
    writeValue(w, value, field.bytes);
    writeValue(w, mask, field.bytes);
  }
}

/** A field read from the wire; the mask is absent when it is full. */
export interface ReadOxm {
  readonly field: WireField;
  readonly value: bigint;
  readonly mask?: bigint;
}

/** Reads one field with its header. OPENFLOW_FIELD_UNKNOWN for one that is not in FIELDS. */
export function readOxm(r: ByteReader): ReadOxm {
  const { field, masked } = readHeader(r);
  const value = readValue(r, field.bytes);
  const mask = masked ? readValue(r, field.bytes) & field.full : field.full;
  if (value > field.full) malformed(`value of ${field.name}`, `${value} does not fit ${field.bits} bits`);
  return mask === field.full ? { field, value } : { field, value: value & mask, mask };
}

function readHeader(r: ByteReader): { field: WireField; masked: boolean } {
  const bits = r.u32();
  const oxmClass = bits >>> 16;
  const number = (bits >>> 9) & 0x7f;
  const masked = (bits & 0x100) !== 0;
  let lengthBytes = bits & 0xff;
  let field = BY_CLASS_AND_FIELD.get((oxmClass << 7) | number);
  if (oxmClass === EXPERIMENTER_CLASS) {
    const experimenter = r.u32();
    lengthBytes -= 4;
    const known = EXPERIMENTER_FIELDS.find(([owner, its]) => owner === experimenter && its === number);
    if (known === undefined) throw codecError('OPENFLOW_FIELD_UNKNOWN', { oxmClass, field: number, experimenter });
    field = WIRE_FIELDS[known[2]];
  }
  if (field === undefined) throw codecError('OPENFLOW_FIELD_UNKNOWN', { oxmClass, field: number });
  if (lengthBytes !== (masked ? 2 : 1) * field.bytes)
    malformed(`value of ${field.name}`, `it has ${lengthBytes} bytes`);
  return { field, masked };
}

/** Writes the header of an action's field, in the form of Nicira's actions or of OpenFlow's own. */
export function writeFieldHeader(w: ByteWriter, name: FieldName, form: 'nxm' | 'oxm'): void {
  w.u32(form === 'nxm' ? WIRE_FIELDS[name].nxm : WIRE_FIELDS[name].exact);
}

/** Reads the header of an action's field. */
export function readFieldHeader(r: ByteReader): WireField {
  const { field, masked } = readHeader(r);
  if (masked) malformed(`header of ${field.name}`, 'it announces a mask');
  return field;
}

/** Some bits of a field, checked to lie inside it. */
export function subfield(field: WireField, offset: number, bits: number): Subfield {
  if (bits === 0 || offset + bits > field.bits) {
    malformed(`subfield of ${field.name}`, `bits ${offset}..${offset + bits - 1} of ${field.bits}`);
  }
  return { field: field.name, offset, bits };
}

/** Writes an unsigned number; up to 48 bits without big arithmetic, because this is the hot path. */
export function writeValue(w: ByteWriter, value: bigint, bytes: number): void {
  switch (bytes) {
    case 1:
      w.u8(Number(value));
      return;
    case 2:
      w.u16(Number(value));
      return;
    case 4:
      w.u32(Number(value));
      return;
    case 6: {
      const number = Number(value);
      w.u16(Math.floor(number / 2 ** 32)).u32(number % 2 ** 32);
      return;
    }
    case 8:
      w.u64(value);
      return;
    default:
      w.u64(value >> 64n).u64(value & ALL_ONES_64);
  }
}

/** The other way round. */
export function readValue(r: ByteReader, bytes: number): bigint {
  switch (bytes) {
    case 1:
      return BigInt(r.u8());
    case 2:
      return BigInt(r.u16());
    case 4:
      return BigInt(r.u32());
    case 6:
      return BigInt(r.u16() * 2 ** 32 + r.u32());
    case 8:
      return r.u64();
    default:
      return (r.u64() << 64n) | r.u64();
  }
}
