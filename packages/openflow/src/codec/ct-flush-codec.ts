/**
 * NXT_CT_FLUSH: forget tracked connections of a zone, of a tuple, or both. The format is Open vSwitch 3.1's, as
 * captured from `ovs-ofctl ct-flush`.
 */
import type { ByteReader, ByteWriter } from '@tenet/std';
import { malformed } from './errors.ts';
import { readValue, writeValue } from './field-codec.ts';
import { readProperties } from './properties.ts';

/** An address of a tuple: IPv4 and IPv6 are told apart by `family`. */
export interface TupleAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** One direction of a connection; what is left out matches anything. */
export interface ConntrackTuple {
  readonly src?: TupleAddress;
  readonly dst?: TupleAddress;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly icmpId?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** Which connections to forget. */
export interface CtFlush {
  readonly kind: 'ct_flush';
  readonly zone?: number;
  /** The IP protocol of both tuples; 0 or absent when no tuple is given, or any. */
  readonly ipProto?: number;
  readonly orig?: ConntrackTuple;
  readonly reply?: ConntrackTuple;
}

/** How errors call it. */
const WHAT = 'conntrack flush';

const ORIG = 0;
const REPLY = 1;
const ZONE = 2;

/** Properties of a tuple, by number. */
const PARTS = ['src', 'dst', 'srcPort', 'dstPort', 'icmpId', 'icmpType', 'icmpCode'] as const;
const FIRST_PORT = 2;
const FIRST_BYTE = 5;

/** A 16-bit property counts its padding, an 8-bit one does not. */
const SHORT_BYTES = 8;

/** Addresses travel as IPv6; IPv4 as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffff_0000_0000n;
const MAPPED_PREFIX = 0xffffn;
const LOW_32 = 0xffff_ffffn;

/** Writes what follows the experimenter's header. */
export function writeCtFlush(w: ByteWriter, { ipProto = 0, zone, orig, reply }: CtFlush): void {
  w.u8(ipProto).zeros(7);
  if (orig !== undefined) writeTuple(w, ORIG, orig);
  if (reply !== undefined) writeTuple(w, REPLY, reply);
  if (zone !== undefined) w.u16(ZONE).u16(SHORT_BYTES).u16(zone).zeros(2);
}

function writeTuple(w: ByteWriter, type: number, tuple: ConntrackTuple): void {
  const start = w.length;
  w.u16(type).u16(0).zeros(4);
  for (const [number, name] of PARTS.entries()) {
    const part = tuple[name];
    if (part === undefined) continue;
    const property = w.length;
    w.u16(number).u16(0);
    if (typeof part === 'object') writeValue(w, part.family === 4 ? MAPPED | part.value : part.value, 16);
    else if (number < FIRST_BYTE) w.u16(part).zeros(2);
    else w.u8(part);
    w.setU16(property + 2, w.length - property);
    w.pad(8, property);
  }
  w.setU16(start + 2, w.length - start);
}

export function readCtFlush(r: ByteReader): CtFlush {
  const ipProto = r.u8();
  r.skip(7);
  let flush: CtFlush = { kind: 'ct_flush', ...(ipProto === 0 ? {} : { ipProto }) };
  for (const { type, value } of readProperties(r, WHAT)) {
    if (type === ZONE) flush = { ...flush, zone: value.u16() };
    else if (type === ORIG) flush = { ...flush, orig: readTuple(value) };
    else if (type === REPLY) flush = { ...flush, reply: readTuple(value) };
    else malformed(WHAT, `its property ${type} is unknown`);
  }
  return flush;
}

function readTuple(r: ByteReader): ConntrackTuple {
  r.skip(4);
  let tuple: ConntrackTuple = {};
  for (const { type, value } of readProperties(r, WHAT)) {
    const name = PARTS[type];
    if (name === undefined) malformed(WHAT, `its tuple property ${type} is unknown`);
    tuple = {
      ...tuple,
      [name]: type < FIRST_PORT ? address(readValue(value, 16)) : type < FIRST_BYTE ? value.u16() : value.u8(),
    };
  }
  return tuple;
}

function address(value: bigint): TupleAddress {
  return value >> 32n === MAPPED_PREFIX ? { family: 4, value: value & LOW_32 } : { family: 6, value };
}
