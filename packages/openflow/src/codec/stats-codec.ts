/** Statistics as OXS fields, which OpenFlow 1.5 has in place of fixed counters (1.5.1 §7.2.4). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import type { FlowStats } from '../flow.ts';
import { malformed } from './errors.ts';

/** Counters of all flows that a filter means. */
export interface Aggregate {
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly flows: number;
}

const OXS_CLASS = 0x8002;
const DURATION = 0;
const IDLE_TIME = 1;
const FLOW_COUNT = 3;
const PACKET_COUNT = 4;
const BYTE_COUNT = 5;

const NANOSECONDS_PER_MS = 1_000_000;

export function writeFlowStats(w: ByteWriter, { durationMs, idleAgeS, packets, bytes }: FlowStats): void {
  const start = startStats(w);
  oxs(w, DURATION, 8)
    .u32(Math.floor(durationMs / 1000))
    .u32((durationMs % 1000) * NANOSECONDS_PER_MS);
  if (idleAgeS !== undefined) oxs(w, IDLE_TIME, 8).u32(idleAgeS).u32(0);
  oxs(w, PACKET_COUNT, 8).u64(packets);
  oxs(w, BYTE_COUNT, 8).u64(bytes);
  endStats(w, start);
}

export function readFlowStats(r: ByteReader): FlowStats {
  const found = readStats(r);
  const stats = { durationMs: found.durationMs ?? 0, packets: found.packets ?? 0n, bytes: found.bytes ?? 0n };
  return found.idleAgeS === undefined ? stats : { ...stats, idleAgeS: found.idleAgeS };
}

export function writeAggregate(w: ByteWriter, { packets, bytes, flows }: Aggregate): void {
  const start = startStats(w);
  oxs(w, PACKET_COUNT, 8).u64(packets);
  oxs(w, BYTE_COUNT, 8).u64(bytes);
  oxs(w, FLOW_COUNT, 4).u32(flows);
  endStats(w, start);
}

export function readAggregate(r: ByteReader): Aggregate {
  const { packets = 0n, bytes = 0n, flows = 0 } = readStats(r);
  return { packets, bytes, flows };
}

function startStats(w: ByteWriter): number {
  const start = w.length;
  w.u16(0).u16(0);
  return start;
}

function oxs(w: ByteWriter, field: number, lengthBytes: number): ByteWriter {
  return w
    .u16(OXS_CLASS)
    .u8(field << 1)
    .u8(lengthBytes);
}

function endStats(w: ByteWriter, start: number): void {
  w.setU16(start + 2, w.length - start);
  w.pad(8, start);
}

type Found = Partial<FlowStats & Aggregate>;

function readStats(r: ByteReader): Found {
  r.skip(2);
  const lengthBytes = r.u16();
  if (lengthBytes < 4) malformed('statistics', `they claim ${lengthBytes} bytes`);
  const fields = r.sub(lengthBytes - 4);
  r.skip((8 - (lengthBytes % 8)) % 8);
  let found: Found = {};
  while (fields.left > 0) {
    const oxsClass = fields.u16();
    const field = fields.u8() >> 1;
    const value = fields.sub(fields.u8());
    if (oxsClass !== OXS_CLASS) continue;
    found = { ...found, ...readOxs(field, value) };
  }
  return found;
}

/** A counter that we do not use is passed over: unlike a match field, it changes no flow's meaning. */
function readOxs(field: number, value: ByteReader): Found {
  switch (field) {
    case DURATION:
      return { durationMs: value.u32() * 1000 + Math.floor(value.u32() / NANOSECONDS_PER_MS) };
    case IDLE_TIME:
      return { idleAgeS: value.u32() };
    case FLOW_COUNT:
      return { flows: value.u32() };
    case PACKET_COUNT:
      return { packets: value.u64() };
    case BYTE_COUNT:
      return { bytes: value.u64() };
    default:
      return {};
  }
}
