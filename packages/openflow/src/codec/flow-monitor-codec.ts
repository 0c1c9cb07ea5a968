/** Watching the flow tables: what to watch, and what is told of it (OpenFlow 1.4.1 §7.3.5, OFPMP_FLOW_MONITOR). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import { type Match, PORT } from '../flow.ts';
import { malformed } from './errors.ts';
import { entryOf, type FlowEntry, present } from './flow-codec.ts';
import { readInstructions, writeInstructions } from './instruction-codec.ts';
import { readMatch, writeMatch } from './match-codec.ts';
import { ALL_TABLES, ANY_GROUP, type Version } from './protocol.ts';
import { writeLength } from './write-length.ts';

/** What is asked of a monitor, in the order of the numbers (enum ofp_flow_monitor_command). */
const COMMANDS = ['add', 'modify', 'delete'] as const;
type FlowMonitorCommand = (typeof COMMANDS)[number];

/** What a monitor tells of, in the order of the bits (enum ofp_flow_monitor_flags). */
export const FLOW_MONITOR_FLAGS = [
  'initial',
  'add',
  'removed',
  'modify',
  'instructions',
  'no_abbrev',
  'only_own',
] as const;
type FlowMonitorFlag = (typeof FLOW_MONITOR_FLAGS)[number];

/** A monitor of one session (struct ofp_flow_monitor_request). Each part of the filter left out means any. */
export interface FlowMonitorRequest {
  readonly command: FlowMonitorCommand;
  /** Names the monitor within the session. */
  readonly id: number;
  /** Each once, in the order of FLOW_MONITOR_FLAGS. */
  readonly flags: readonly FlowMonitorFlag[];
  readonly table?: number;
  readonly outPort?: number;
  readonly outGroup?: number;
  readonly match?: Match;
}

/** What happened, in the order of the numbers (enum ofp_flow_update_event). */
const EVENTS = ['initial', 'added', 'removed', 'modified', 'abbrev', 'paused', 'resumed'] as const;

/** A flow that is there or was changed; its actions are there only when the monitor asked for instructions. */
export type FullUpdate = FlowEntry &
  (
    | { readonly event: 'initial' | 'added' | 'modified' }
    /** The number of `removalReason`. */
    | { readonly event: 'removed'; readonly reason: number }
  );

/** What a switch tells of a monitored table, without being asked and under xid 0. */
export type FlowUpdate =
  | FullUpdate
  /** What this session's own request of that xid has changed. */
  | { readonly event: 'abbrev'; readonly xid: number }
  /** The session reads too slowly: nothing is told until `resumed`, which comes behind what has changed meanwhile. */
  | { readonly event: 'paused' | 'resumed' };

/** Why flows go, in the order of the numbers (enum ofp_flow_removed_reason). */
const REASONS = ['idle timeout', 'hard timeout', 'delete', 'group delete', 'meter delete', 'eviction'] as const;

/** Why a flow was removed, in words; the number where a newer switch has reasons that we have no words for. */
export function removalReason(reason: number): string {
  return REASONS[reason] ?? `reason ${reason}`;
}

export function writeFlowMonitorRequest(w: ByteWriter, request: FlowMonitorRequest): void {
  const { command, id, flags, table = ALL_TABLES, outPort = PORT.ANY, outGroup = ANY_GROUP, match = {} } = request;
  const bits = flags.reduce((sum, flag) => sum | (1 << FLOW_MONITOR_FLAGS.indexOf(flag)), 0);
  w.u32(id).u32(outPort).u32(outGroup).u16(bits).u8(table).u8(COMMANDS.indexOf(command));
  writeMatch(w, match);
}

export function readFlowMonitorRequest(r: ByteReader): FlowMonitorRequest {
  const id = r.u32();
  const outPort = r.u32();
  const outGroup = r.u32();
  const bits = r.u16();
  const table = r.u8();
  const number = r.u8();
  const command = COMMANDS[number] ?? malformed('flow monitor', `its command ${number} is unknown`);
  if (bits >> FLOW_MONITOR_FLAGS.length !== 0)
    malformed('flow monitor', `its flags 0x${bits.toString(16)} are unknown`);
  const match = readMatch(r);
  return {
    command,
    id,
    flags: FLOW_MONITOR_FLAGS.filter((_, bit) => (bits >> bit) & 1),
    ...(table === ALL_TABLES ? {} : { table }),
    ...(outPort === PORT.ANY ? {} : { outPort }),
    ...(outGroup === ANY_GROUP ? {} : { outGroup }),
    ...(Object.keys(match).length === 0 ? {} : { match }),
  };
}

export function writeFlowUpdate(w: ByteWriter, update: FlowUpdate, version: Version): void {
  const start = w.length;
  w.u16(0).u16(EVENTS.indexOf(update.event));
  switch (update.event) {
    case 'initial':
    case 'added':
    case 'modified':
      writeFull(w, update, 0, version);
      break;
    case 'removed':
      writeFull(w, update, update.reason, version);
      break;
    case 'abbrev':
      w.u32(update.xid);
      break;
    case 'paused':
    case 'resumed':
      w.zeros(4);
      break;
  }
  writeLength(w, { at: start, from: start }, 'flow update');
}

function writeFull(w: ByteWriter, entry: FlowEntry, reason: number, version: Version): void {
  if ('unreadable' in entry) throw new TypeError('a flow that could not be read cannot be written');
  const { table, idleTimeoutS = 0, hardTimeoutS = 0, priority, cookie, match, actions } = entry.flow;
  w.u8(table).u8(reason).u16(idleTimeoutS).u16(hardTimeoutS).u16(priority).zeros(4).u64(cookie);
  writeMatch(w, match);
  writeInstructions(w, actions, version);
}

const HEADER_BYTES = 4;

/** Reads one update. A field or action that we do not know spoils only its own flow. */
export function readFlowUpdate(r: ByteReader, version: Version): FlowUpdate {
  const lengthBytes = r.u16();
  if (lengthBytes < HEADER_BYTES) malformed('flow update', `it claims ${lengthBytes} bytes`);
  const number = r.u16();
  const body = r.sub(lengthBytes - HEADER_BYTES);
  const event = EVENTS[number] ?? malformed('flow update', `its event ${number} is unknown`);
  switch (event) {
    case 'initial':
    case 'added':
    case 'modified': {
      // Open vSwitch writes something here, though nothing was removed.
      const { entry } = readFull(body, version);
      return { event, ...entry };
    }
    case 'removed': {
      const { entry, reason } = readFull(body, version);
      return { event, reason, ...entry };
    }
    case 'abbrev':
      return { event, xid: body.u32() };
    case 'paused':
    case 'resumed':
      return { event };
  }
}

function readFull(r: ByteReader, version: Version): { entry: FlowEntry; reason: number } {
  const table = r.u8();
  const reason = r.u8();
  const idleTimeoutS = r.u16();
  const hardTimeoutS = r.u16();
  const priority = r.u16();
  r.skip(4);
  const cookie = r.u64();
  const entry = entryOf('flow update', { table, priority, cookie }, () => {
    const match = readMatch(r);
    const actions = readInstructions(r, version);
    return { table, priority, cookie, match, actions, ...present({ idleTimeoutS, hardTimeoutS }) };
  });
  return { entry, reason };
}
