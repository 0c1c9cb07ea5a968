/** The body of multipart requests and replies: one table by what is asked for (OpenFlow 1.4.1 §7.3.5). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import { PORT } from '../flow.ts';
import type { Group } from '../group.ts';
import { malformed } from './errors.ts';
import {
  type FlowEntry,
  type FlowFilter,
  readFlowEntry,
  readFlowFilter,
  writeFlowEntry,
  writeFlowFilter,
} from './flow-codec.ts';
import {
  type FlowMonitorRequest,
  type FlowUpdate,
  readFlowMonitorRequest,
  readFlowUpdate,
  writeFlowMonitorRequest,
  writeFlowUpdate,
} from './flow-monitor-codec.ts';
import { readGroup, writeGroup } from './group-codec.ts';
import { type PortDescription, readPort, writePort } from './port-codec.ts';
import { ALL_GROUPS, OPENFLOW_15, type Version } from './protocol.ts';
import { type Aggregate, readAggregate, writeAggregate } from './stats-codec.ts';

/** Counters of one table. */
export interface TableStats {
  readonly table: number;
  readonly flows: number;
  readonly lookups: bigint;
  readonly matched: bigint;
}

/** What is asked with, and what comes back, for each multipart type. */
export interface MultipartBodies {
  readonly flow: { readonly request: FlowFilter; readonly reply: readonly FlowEntry[] };
  readonly aggregate: { readonly request: FlowFilter; readonly reply: readonly Aggregate[] };
  readonly table: { readonly request: undefined; readonly reply: readonly TableStats[] };
  readonly group_desc: { readonly request: undefined; readonly reply: readonly Group[] };
  readonly port_desc: { readonly request: undefined; readonly reply: readonly PortDescription[] };
  /** From OpenFlow 1.4 on. One monitor a request. */
  readonly flow_monitor: { readonly request: FlowMonitorRequest; readonly reply: readonly FlowUpdate[] };
}

export type MultipartType = keyof MultipartBodies;

/** A request for statistics or descriptions. */
export type MultipartRequest = {
  [T in MultipartType]: {
    readonly kind: 'multipart_request';
    readonly type: T;
    readonly request: MultipartBodies[T]['request'];
  };
}[MultipartType];

/** A part of the answer; `more` says that further parts follow under the same xid (OFPMPF_REPLY_MORE). */
export type MultipartReply = {
  [T in MultipartType]: {
    readonly kind: 'multipart_reply';
    readonly type: T;
    readonly more: boolean;
    readonly entries: MultipartBodies[T]['reply'];
  };
}[MultipartType];

interface MultipartCodec<T extends MultipartType> {
  readonly number: number;
  writeRequest(w: ByteWriter, request: MultipartBodies[T]['request'], version: Version): void;
  readRequest(r: ByteReader, version: Version): MultipartBodies[T]['request'];
  writeEntry(w: ByteWriter, entry: MultipartBodies[T]['reply'][number], version: Version): void;
  readEntry(r: ByteReader, version: Version): MultipartBodies[T]['reply'][number];
}

const NO_REQUEST = {
  writeRequest() {},
  readRequest: () => undefined,
};

/** OpenFlow 1.5 asks for one of what 1.3 and 1.4 list whole; we ask for all. */
function allOf(number: number): Pick<MultipartCodec<'group_desc' | 'port_desc'>, 'writeRequest' | 'readRequest'> {
  return {
    writeRequest(w, _request, version) {
      if (version === OPENFLOW_15) w.u32(number).zeros(4);
    },
    readRequest(r, version) {
      if (version === OPENFLOW_15) r.skip(8);
      return undefined;
    },
  };
}

const MULTIPARTS: { readonly [T in MultipartType]: MultipartCodec<T> } = {
  flow: {
    number: 1,
    writeRequest: writeFlowFilter,
    readRequest: readFlowFilter,
    writeEntry(w, entry, version) {
      if ('unreadable' in entry) throw new TypeError('a flow that could not be read cannot be written');
      writeFlowEntry(w, entry.flow, version);
    },
    readEntry: readFlowEntry,
  },
  aggregate: {
    number: 2,
    writeRequest: writeFlowFilter,
    readRequest: readFlowFilter,
    writeEntry(w, aggregate, version) {
      if (version === OPENFLOW_15) writeAggregate(w, aggregate);
      else w.u64(aggregate.packets).u64(aggregate.bytes).u32(aggregate.flows).zeros(4);
    },
    readEntry(r, version) {
      if (version === OPENFLOW_15) return readAggregate(r);
      const aggregate = { packets: r.u64(), bytes: r.u64(), flows: r.u32() };
      r.skip(4);
      return aggregate;
    },
  },
  table: {
    number: 3,
    ...NO_REQUEST,
    writeEntry: (w, { table, flows, lookups, matched }) =>
      void w.u8(table).zeros(3).u32(flows).u64(lookups).u64(matched),
    readEntry(r) {
      const table = r.u8();
      r.skip(3);
      return { table, flows: r.u32(), lookups: r.u64(), matched: r.u64() };
    },
  },
  group_desc: { number: 7, ...allOf(ALL_GROUPS), writeEntry: writeGroup, readEntry: readGroup },
  port_desc: { number: 13, ...allOf(PORT.ANY), writeEntry: writePort, readEntry: readPort },
  flow_monitor: {
    number: 16,
    writeRequest: writeFlowMonitorRequest,
    readRequest: readFlowMonitorRequest,
    writeEntry: writeFlowUpdate,
    readEntry: readFlowUpdate,
  },
};

type AnyCodec = MultipartCodec<MultipartType>;
const BY_TYPE = MULTIPARTS as unknown as Readonly<Record<MultipartType, AnyCodec>>;
const TYPES = Object.keys(MULTIPARTS) as readonly MultipartType[];
const MORE = 1;

/** Writes what follows the header. */
export function writeMultipartRequest(w: ByteWriter, { type, request }: MultipartRequest, version: Version): void {
  w.u16(BY_TYPE[type].number).u16(0).zeros(4);
  BY_TYPE[type].writeRequest(w, request as never, version);
}

export function readMultipartRequest(r: ByteReader, version: Version): MultipartRequest {
  const type = readType(r);
  r.skip(6);
  return { kind: 'multipart_request', type, request: BY_TYPE[type].readRequest(r, version) } as MultipartRequest;
}

export function writeMultipartReply(w: ByteWriter, { type, more, entries }: MultipartReply, version: Version): void {
  w.u16(BY_TYPE[type].number)
    .u16(more ? MORE : 0)
    .zeros(4);
  for (const entry of entries) BY_TYPE[type].writeEntry(w, entry as never, version);
}

export function readMultipartReply(r: ByteReader, version: Version): MultipartReply {
  const type = readType(r);
  const more = (r.u16() & MORE) !== 0;
  r.skip(4);
  const entries: unknown[] = [];
  while (r.left > 0) entries.push(BY_TYPE[type].readEntry(r, version));
  return { kind: 'multipart_reply', type, more, entries } as MultipartReply;
}

function readType(r: ByteReader): MultipartType {
  const number = r.u16();
  const type = TYPES.find((name) => MULTIPARTS[name].number === number);
  return type ?? malformed('multipart message', `its type ${number} is unknown`);
}
