/** Flow modifications, and the flows of flow statistics (OpenFlow 1.4.1 §7.3.4.1 and §7.3.5.2, 1.5.1 §7.3.5.2). */
import type { ByteReader, ByteWriter, TenetError } from '@tenet/std';
import { isTenetError } from '@tenet/std';
import { DEFAULT_PRIORITY, type Flow, type FlowStats, type Match, PORT } from '../flow.ts';
import { malformed, reading } from './errors.ts';
import { readInstructions, writeInstructions } from './instruction-codec.ts';
import { readMatch, writeMatch } from './match-codec.ts';
import { ALL_ONES_64, ALL_TABLES, ANY_GROUP, NO_BUFFER, OPENFLOW_13, OPENFLOW_15, type Version } from './protocol.ts';
import { readFlowStats, writeFlowStats } from './stats-codec.ts';
import { writeLength } from './write-length.ts';

/** What a flow modification does, in the order of its numbers (enum ofp_flow_mod_command). */
const FLOW_COMMANDS = ['add', 'modify', 'modify_strict', 'delete', 'delete_strict'] as const;
export type FlowCommand = (typeof FLOW_COMMANDS)[number];

/** One change of the flow tables. `addFlow`, `deleteFlow` and `deleteFlows` make the usual ones. */
export interface FlowMod {
  readonly kind: 'flow_mod';
  readonly command: FlowCommand;
  /** Its stats are not sent. */
  readonly flow: Flow;
  /** Modify and delete only flows whose cookie equals the flow's under this mask; 0 or absent: whatever cookie. */
  readonly cookieMask?: bigint;
  /** Delete only flows that output to this port, or to this group. */
  readonly outPort?: number;
  readonly outGroup?: number;
}

/** Which flows a request or a deletion means; each part left out means any. */
export interface FlowFilter {
  readonly table?: number;
  readonly cookie?: bigint;
  /** All ones when absent and a cookie is given. */
  readonly cookieMask?: bigint;
  /** Flows whose match is this one or narrower. */
  readonly match?: Match;
  readonly outPort?: number;
  readonly outGroup?: number;
}

export function addFlow(flow: Flow): FlowMod {
  return { kind: 'flow_mod', command: 'add', flow };
}

/** Removes exactly this flow: its table, priority and match. */
export function deleteFlow(flow: Flow): FlowMod {
  return { kind: 'flow_mod', command: 'delete_strict', flow: { ...flow, actions: [] } };
}

/** Removes every flow that the filter means. */
export function deleteFlows(filter: FlowFilter = {}): FlowMod {
  const { table = ALL_TABLES, cookie = 0n, match = {}, outPort, outGroup } = filter;
  const cookieMask = filter.cookieMask ?? (filter.cookie === undefined ? undefined : ALL_ONES_64);
  return {
    kind: 'flow_mod',
    command: 'delete',
    flow: { table, priority: DEFAULT_PRIORITY, cookie, match, actions: [] },
    ...(cookieMask === undefined ? {} : { cookieMask }),
    ...(outPort === undefined ? {} : { outPort }),
    ...(outGroup === undefined ? {} : { outGroup }),
  };
}

/** Writes what follows the header of OFPT_FLOW_MOD. */
export function writeFlowMod(w: ByteWriter, mod: FlowMod, version: Version): void {
  const { command, flow, cookieMask = 0n, outPort = PORT.ANY, outGroup = ANY_GROUP } = mod;
  w.u64(flow.cookie).u64(cookieMask).u8(flow.table).u8(FLOW_COMMANDS.indexOf(command));
  w.u16(flow.idleTimeoutS ?? 0)
    .u16(flow.hardTimeoutS ?? 0)
    .u16(flow.priority);
  w.u32(NO_BUFFER).u32(outPort).u32(outGroup);
  w.u16(flow.flags ?? 0).u16(version === OPENFLOW_13 ? 0 : (flow.importance ?? 0));
  writeMatch(w, flow.match);
  writeInstructions(w, flow.actions, version);
}

export function readFlowMod(r: ByteReader, version: Version): FlowMod {
  const cookie = r.u64();
  const cookieMask = r.u64();
  const table = r.u8();
  const number = r.u8();
  const command = FLOW_COMMANDS[number];
  if (command === undefined) malformed('flow modification', `its command ${number} is unknown`);
  const idleTimeoutS = r.u16();
  const hardTimeoutS = r.u16();
  const priority = r.u16();
  r.skip(4);
  const outPort = r.u32();
  const outGroup = r.u32();
  const flags = r.u16();
  const importance = r.u16();
  const match = readMatch(r);
  const actions = readInstructions(r, version);
  return {
    kind: 'flow_mod',
    command,
    flow: { table, priority, cookie, match, actions, ...present({ idleTimeoutS, hardTimeoutS, flags, importance }) },
    ...(cookieMask === 0n ? {} : { cookieMask }),
    ...(outPort === PORT.ANY ? {} : { outPort }),
    ...(outGroup === ANY_GROUP ? {} : { outGroup }),
  };
}

type Optional = Required<Pick<Flow, 'idleTimeoutS' | 'hardTimeoutS' | 'flags' | 'importance'>>;

const NOTHING: Partial<Optional> = {};

/** The parts of a flow whose value does not say "none"; most flows have none of them. */
export function present(parts: Partial<Optional>): Partial<Optional> {
  const { idleTimeoutS = 0, hardTimeoutS = 0, flags = 0, importance = 0 } = parts;
  if (idleTimeoutS === 0 && hardTimeoutS === 0 && flags === 0 && importance === 0) return NOTHING;
  return {
    ...(idleTimeoutS === 0 ? {} : { idleTimeoutS }),
    ...(hardTimeoutS === 0 ? {} : { hardTimeoutS }),
    ...(flags === 0 ? {} : { flags }),
    ...(importance === 0 ? {} : { importance }),
  };
}

/** Writes the filter of a flow or aggregate request. */
export function writeFlowFilter(w: ByteWriter, filter: FlowFilter): void {
  const { table = ALL_TABLES, outPort = PORT.ANY, outGroup = ANY_GROUP, cookie = 0n, match = {} } = filter;
  const cookieMask = filter.cookieMask ?? (filter.cookie === undefined ? 0n : ALL_ONES_64);
  w.u8(table).zeros(3).u32(outPort).u32(outGroup).zeros(4).u64(cookie).u64(cookieMask);
  writeMatch(w, match);
}

export function readFlowFilter(r: ByteReader): FlowFilter {
  const table = r.u8();
  r.skip(3);
  const outPort = r.u32();
  const outGroup = r.u32();
  r.skip(4);
  const cookie = r.u64();
  const cookieMask = r.u64();
  const match = readMatch(r);
  return {
    ...(table === ALL_TABLES ? {} : { table }),
    ...(outPort === PORT.ANY ? {} : { outPort }),
    ...(outGroup === ANY_GROUP ? {} : { outGroup }),
    ...(cookieMask === 0n ? {} : { cookie, cookieMask }),
    ...(Object.keys(match).length === 0 ? {} : { match }),
  };
}

/** A flow that the switch reported and that we cannot read: enough to name it, or to delete it by its cookie. */
export interface UnreadableFlow {
  readonly table: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly error: TenetError;
}

/** One entry of a flow statistics reply. */
export type FlowEntry = { readonly flow: Flow } | { readonly unreadable: UnreadableFlow };

export function writeFlowEntry(w: ByteWriter, entry: Flow, version: Version): void {
  const start = w.length;
  const { idleTimeoutS = 0, hardTimeoutS = 0, flags = 0, importance = 0, stats = NO_STATS } = entry;
  w.u16(0);
  if (version === OPENFLOW_15) {
    w.zeros(2).u8(entry.table).zeros(1).u16(entry.priority);
    w.u16(idleTimeoutS).u16(hardTimeoutS).u16(flags).u16(importance).u64(entry.cookie);
    writeMatch(w, entry.match);
    writeFlowStats(w, stats);
  } else {
    w.u8(entry.table).zeros(1);
    w.u32(Math.floor(stats.durationMs / 1000)).u32((stats.durationMs % 1000) * NANOSECONDS_PER_MS);
    w.u16(entry.priority).u16(idleTimeoutS).u16(hardTimeoutS).u16(flags);
    w.u16(version === OPENFLOW_13 ? 0 : importance).zeros(2);
    w.u64(entry.cookie).u64(stats.packets).u64(stats.bytes);
    writeMatch(w, entry.match);
  }
  writeInstructions(w, entry.actions, version);
  writeLength(w, { at: start, from: start }, 'flow');
}

const NO_STATS: FlowStats = { durationMs: 0, packets: 0n, bytes: 0n };
const NANOSECONDS_PER_MS = 1_000_000;

/** Reads one entry. A field or action that we do not know spoils only its own flow. */
export function readFlowEntry(r: ByteReader, version: Version): FlowEntry {
  const lengthBytes = r.u16();
  if (lengthBytes < 2) malformed('flow statistics', `an entry claims ${lengthBytes} bytes`);
  const entry = r.sub(lengthBytes - 2);
  const fixed = readFixedPart(entry, version);
  const { table, priority, cookie } = fixed;
  return entryOf('flow statistics', fixed, () => {
    const match = readMatch(entry);
    const stats = version === OPENFLOW_15 ? readFlowStats(entry) : fixed.stats;
    const actions = readInstructions(entry, version);
    return { table, priority, cookie, match, actions, ...present(fixed), stats };
  });
}

/** The flow that `read` reads, or what names it when that fails. */
export function entryOf(
  what: string,
  { table, priority, cookie }: Pick<Flow, 'table' | 'priority' | 'cookie'>,
  read: () => Flow,
): FlowEntry {
  try {
    return { flow: reading(what, read) };
  } catch (error) {
    if (!isTenetError(error)) throw error;
    return { unreadable: { table, priority, cookie, error } };
  }
}

type FixedPart = Pick<Flow, 'table' | 'priority' | 'cookie'> & Optional & { readonly stats: FlowStats };

function readFixedPart(r: ByteReader, version: Version): FixedPart {
  if (version === OPENFLOW_15) r.skip(2);
  const table = r.u8();
  r.skip(1);
  const durationMs = version === OPENFLOW_15 ? 0 : r.u32() * 1000 + Math.floor(r.u32() / NANOSECONDS_PER_MS);
  const priority = r.u16();
  const idleTimeoutS = r.u16();
  const hardTimeoutS = r.u16();
  const flags = r.u16();
  const importance = r.u16();
  if (version !== OPENFLOW_15) r.skip(2);
  const cookie = r.u64();
  const packets = version === OPENFLOW_15 ? 0n : r.u64();
  const bytes = version === OPENFLOW_15 ? 0n : r.u64();
  const stats = { durationMs, packets, bytes };
  return { table, priority, idleTimeoutS, hardTimeoutS, flags, importance, cookie, stats };
}
