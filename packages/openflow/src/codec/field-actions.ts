/**
 * Actions that write fields. OpenFlow 1.5 has masked set_field and copy_field where 1.3 and 1.4 need Nicira's reg_load
 * and reg_move, and Open vSwitch 3.1 refuses each form in the other versions: so a `load` comes back from 1.5 as a
 * `set_field`, and a masked `set_field` from 1.3 and 1.4 as one `load` for each run of ones.
 */
import type { ByteReader, ByteWriter } from '@tenet/std';
import type { Action, Subfield } from '../action.ts';
import { FIELDS } from '../fields.ts';
import { type ActionCodec, endAction, niciraId, startAction, startNicira } from './action-wire.ts';
import { malformed } from './errors.ts';
import { readFieldHeader, readOxm, subfield, WIRE_FIELDS, writeFieldHeader, writeOxm } from './field-codec.ts';
import { OPENFLOW_15 } from './protocol.ts';

type Load = Extract<Action, { kind: 'load' }>;
type Move = Extract<Action, { kind: 'move' }>;
type SetField = Extract<Action, { kind: 'set_field' }>;

const SET_FIELD = 25;
const COPY_FIELD = 28;
const REG_MOVE = 6;
const REG_LOAD = 7;

/** The most bits that one reg_load can write. */
const LOAD_BITS = 64;

export const LOAD: ActionCodec<Load> = {
  ids: [niciraId(REG_LOAD)],
  write(w, { value, dst }, { version }) {
    checkSubfield(dst);
    if (dst.bits > LOAD_BITS) throw new RangeError(`load writes at most ${LOAD_BITS} bits, not ${dst.bits}`);
    if (value >> BigInt(dst.bits) !== 0n)
      throw new RangeError(`${value} does not fit ${dst.bits} bits of ${dst.field}`);
    if (version === OPENFLOW_15) {
      const shift = BigInt(dst.offset);
      writeSetField(w, dst.field, value << shift, ones(dst.bits) << shift);
    } else {
      writeLoad(w, value, dst);
    }
  },
  read(r) {
    const { offset, bits } = readRange(r);
    const dst = subfield(readFieldHeader(r), offset, bits);
    const value = r.u64();
    if (value >> BigInt(dst.bits) !== 0n) malformed('load action', `${value} does not fit ${dst.bits} bits`);
    return { kind: 'load', value, dst };
  },
};

export const SET: ActionCodec<SetField> = {
  ids: [SET_FIELD],
  write(w, { field, value, mask }, { version }) {
    const { full } = WIRE_FIELDS[field];
    if (mask === undefined || mask === full || version === OPENFLOW_15) writeSetField(w, field, value, mask ?? full);
    else for (const dst of runs(field, mask)) writeLoad(w, (value >> BigInt(dst.offset)) & ones(dst.bits), dst);
  },
  read(r) {
    const { field, value, mask } = readOxm(r);
    return { kind: 'set_field', field: field.name, value, ...(mask === undefined ? {} : { mask }) };
  },
};

export const MOVE: ActionCodec<Move> = {
  ids: [niciraId(REG_MOVE), COPY_FIELD],
  write(w, { src, dst }, { version }) {
    checkSubfield(src);
    checkSubfield(dst);
    if (src.bits !== dst.bits) throw new RangeError(`move copies ${src.bits} bits into ${dst.bits}`);
    const modern = version === OPENFLOW_15;
    const start = modern ? startAction(w, COPY_FIELD) : startNicira(w, REG_MOVE);
    w.u16(src.bits).u16(src.offset).u16(dst.offset);
    if (modern) w.zeros(2);
    writeFieldHeader(w, src.field, modern ? 'oxm' : 'nxm');
    writeFieldHeader(w, dst.field, modern ? 'oxm' : 'nxm');
    endAction(w, start);
  },
  read(r, _lists, id) {
    const bits = r.u16();
    const srcOffset = r.u16();
    const dstOffset = r.u16();
    if (id === COPY_FIELD) r.skip(2);
    const src = subfield(readFieldHeader(r), srcOffset, bits);
    return { kind: 'move', src, dst: subfield(readFieldHeader(r), dstOffset, bits) };
  },
};

function writeLoad(w: ByteWriter, value: bigint, dst: Subfield): void {
  const start = startNicira(w, REG_LOAD);
  w.u16(packRange(dst));
  writeFieldHeader(w, dst.field, 'nxm');
  w.u64(value);
  endAction(w, start);
}

function writeSetField(w: ByteWriter, name: SetField['field'], value: bigint, mask: bigint): void {
  const start = startAction(w, SET_FIELD);
  const field = WIRE_FIELDS[name];
  writeOxm(w, field, value & mask, mask === field.full ? undefined : mask);
  endAction(w, start);
}

/** The runs of ones in a mask, lowest first, none longer than one reg_load can write. */
function runs(field: SetField['field'], mask: bigint): Subfield[] {
  const found: Subfield[] = [];
  const { bits: width } = FIELDS[field];
  for (let offset = 0; offset < width; ) {
    let bits = 0;
    while (bits < LOAD_BITS && offset + bits < width && (mask >> BigInt(offset + bits)) & 1n) bits++;
    if (bits > 0) found.push({ field, offset, bits });
    offset += Math.max(bits, 1);
  }
  return found;
}

/** Offset and width in the 16 bits that Nicira's actions give them. */
export function packRange({ offset, bits }: Subfield): number {
  return (offset << 6) | (bits - 1);
}

/** The other way round. */
export function readRange(r: ByteReader): { readonly offset: number; readonly bits: number } {
  const range = r.u16();
  return { offset: range >> 6, bits: (range & 0x3f) + 1 };
}

export function checkSubfield({ field, offset, bits }: Subfield): void {
  if (bits < 1 || offset < 0 || offset + bits > FIELDS[field].bits) {
    throw new RangeError(`${field}[${offset}..${offset + bits - 1}] lies outside of the field`);
  }
}

function ones(bits: number): bigint {
  return (1n << BigInt(bits)) - 1n;
}
