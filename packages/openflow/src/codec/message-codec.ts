/** Messages to bytes and back: one table by kind (OpenFlow 1.4.1 §7.1, §7.3). */
import { ByteReader, type ByteWriter } from '@tenet/std';
import { readCtFlush, writeCtFlush } from './ct-flush-codec.ts';
import { EXPERIMENTER_ERROR, errorName } from './error-names.ts';
import { codecError, malformed, reading } from './errors.ts';
import { readFlowMod, writeFlowMod } from './flow-codec.ts';
import { readGroupMod, writeGroupMod } from './group-codec.ts';
import { readHelloVersions, writeHelloVersions } from './hello-codec.ts';
import {
  type Bare,
  BUNDLE_STEPS,
  type BundledMessage,
  type BundleFlags,
  type Config,
  type Echo,
  type Envelope,
  FRAGMENT_MODES,
  type Message,
  type MessageKind,
} from './message.ts';
import {
  readMultipartReply,
  readMultipartRequest,
  writeMultipartReply,
  writeMultipartRequest,
} from './multipart-codec.ts';
import { HEADER_BYTES, isVersion, NICIRA, ONF, OPENFLOW_13, type Version } from './protocol.ts';
import { writeLength } from './write-length.ts';

/** A message's type, or its number with an experimenter. */
type WireType = number | readonly [experimenter: number, subtype: number];

interface MessageCodec<M extends Message> {
  wire(version: Version): WireType;
  /** Writes what follows the header. */
  write(w: ByteWriter, message: M, version: Version, xid: number): void;
  read(r: ByteReader, version: Version, xid: number): M;
}

const EXPERIMENTER = 4;
const FLOW_MOD = 14;
const GROUP_MOD = 15;

const MESSAGES: { readonly [K in Exclude<MessageKind, 'other'>]: MessageCodec<Extract<Message, { kind: K }>> } = {
  hello: {
    wire: () => 0,
    write: (w, { versions }) => writeHelloVersions(w, versions),
    read(r) {
      const versions = readHelloVersions(r);
      return versions === undefined ? { kind: 'hello' } : { kind: 'hello', versions };
    },
  },
  error: {
    wire: () => 1,
    write(w, { type, code, experimenter, data }) {
      w.u16(type).u16(code);
      if (experimenter !== undefined) w.u32(experimenter);
      w.put(data);
    },
    read(r) {
      const type = r.u16();
      const code = r.u16();
      const owner = type === EXPERIMENTER_ERROR ? { experimenter: r.u32() } : {};
      return {
        kind: 'error',
        type,
        code,
        ...owner,
        ...errorName(type, code, owner.experimenter),
        data: r.rest().slice(),
      };
    },
  },
  echo_request: echo('echo_request', 2),
  echo_reply: echo('echo_reply', 3),
  features_request: empty('features_request', 5),
  features_reply: {
    wire: () => 6,
    write: (w, { datapathId, buffers, tables, auxiliaryId, capabilities }) =>
      void w.u64(datapathId).u32(buffers).u8(tables).u8(auxiliaryId).zeros(2).u32(capabilities).zeros(4),
    read(r) {
      const datapathId = r.u64();
      const buffers = r.u32();
      const tables = r.u8();
      const auxiliaryId = r.u8();
      r.skip(2);
      const capabilities = r.u32();
      r.skip(4);
      return { kind: 'features_reply', datapathId, buffers, tables, auxiliaryId, capabilities };
    },
  },
  get_config_request: empty('get_config_request', 7),
  get_config_reply: config('get_config_reply', 8),
  set_config: config('set_config', 9),
  flow_mod: { wire: () => FLOW_MOD, write: writeFlowMod, read: readFlowMod },
  group_mod: { wire: () => GROUP_MOD, write: writeGroupMod, read: readGroupMod },
  multipart_request: { wire: () => 18, write: writeMultipartRequest, read: readMultipartRequest },
  multipart_reply: { wire: () => 19, write: writeMultipartReply, read: readMultipartReply },
  barrier_request: empty('barrier_request', 20),
  barrier_reply: empty('barrier_reply', 21),
  bundle_control: {
    wire: (version) => (version === OPENFLOW_13 ? [ONF, 2300] : 33),
    write: (w, { id, step, flags }) => void w.u32(id).u16(BUNDLE_STEPS.indexOf(step)).u16(flagBits(flags)),
    read(r) {
      const id = r.u32();
      const number = r.u16();
      const step = BUNDLE_STEPS[number] ?? malformed('bundle control', `its type ${number} is unknown`);
      const flags = readFlags(r);
      // Properties of a bundle would only say when it is to be applied.
      r.rest();
      return { kind: 'bundle_control', id, step, flags };
    },
  },
  bundle_add: {
    wire: (version) => (version === OPENFLOW_13 ? [ONF, 2301] : 34),
    write(w, { id, flags, message }, version, xid) {
      w.u32(id).zeros(2).u16(flagBits(flags));
      encodeMessage(w, { version, xid, message });
    },
    read(r, version, xid) {
      const id = r.u32();
      r.skip(2);
      const flags = readFlags(r);
      return { kind: 'bundle_add', id, flags, message: readBundled(r, version, xid) };
    },
  },
  ct_flush: { wire: () => [NICIRA, 32], write: writeCtFlush, read: readCtFlush },
};

type AnyCodec = MessageCodec<Message>;
const BY_KIND = MESSAGES as unknown as Readonly<Record<string, AnyCodec | undefined>>;
const CODECS: readonly AnyCodec[] = Object.values(MESSAGES) as unknown as readonly AnyCodec[];

/**
 * Appends a message to what is already written, so that many of them leave in one piece.
 * OPENFLOW_MESSAGE_TOO_LONG for more than 65535 bytes; RangeError and TypeError for values that no wire form has.
 */
export function encodeMessage(w: ByteWriter, { version, xid, message }: Envelope): void {
  if (!isVersion(version)) throw codecError('OPENFLOW_VERSION_UNSUPPORTED', { version });
  const start = w.length;
  if (message.kind === 'other') {
    w.u8(version).u8(message.type).u16(0).u32(xid).put(message.body);
  } else {
    const codec = BY_KIND[message.kind] as AnyCodec;
    const wire = codec.wire(version);
    if (typeof wire === 'number') w.u8(version).u8(wire).u16(0).u32(xid);
    else w.u8(version).u8(EXPERIMENTER).u16(0).u32(xid).u32(wire[0]).u32(wire[1]);
    codec.write(w, message, version, xid);
  }
  writeLength(w, { at: start + 2, from: start }, message.kind);
}

/**
 * Reads a frame as `nextFrame` cuts it. A hello, error or echo may carry any version, because they precede the
 * agreement on one; other messages of a version that is not ours are OPENFLOW_VERSION_UNSUPPORTED.
 */
export function decodeMessage(frame: Uint8Array): Envelope {
  return reading('OpenFlow message', () => {
    const r = new ByteReader(frame);
    const version = r.u8();
    const type = r.u8();
    const lengthBytes = r.u16();
    const xid = r.u32();
    if (lengthBytes !== frame.length) {
      malformed('OpenFlow header', `it claims ${lengthBytes} bytes of a frame of ${frame.length}`);
    }
    const spoken = isVersion(version) ? version : undefined;
    if (spoken === undefined && type > LAST_OF_ANY_VERSION)
      throw codecError('OPENFLOW_VERSION_UNSUPPORTED', { version });
    return { version, xid, message: readBody(r, type, spoken ?? OPENFLOW_13, xid) };
  });
}

/** Hello, error, echo request and echo reply are alike in all versions. */
const LAST_OF_ANY_VERSION = 3;

function readBody(r: ByteReader, type: number, version: Version, xid: number): Message {
  const body = r.bytes.subarray(r.at);
  const owner = type === EXPERIMENTER ? ([r.u32(), r.u32()] as const) : undefined;
  const codec = CODECS.find(({ wire }) => sameWire(wire(version), owner ?? type));
  if (codec === undefined) return { kind: 'other', type, body: body.slice() };
  const message = codec.read(r, version, xid);
  if (r.left > 0) malformed(message.kind, `${r.left} bytes are left over`);
  return message;
}

function sameWire(one: WireType, two: WireType): boolean {
  if (typeof one === 'number' || typeof two === 'number') return one === two;
  return one[0] === two[0] && one[1] === two[1];
}

function readBundled(r: ByteReader, version: Version, xid: number): BundledMessage {
  const start = r.at;
  const innerVersion = r.u8();
  const type = r.u8();
  const lengthBytes = r.u16();
  const innerXid = r.u32();
  if (innerVersion !== version || innerXid !== xid || lengthBytes < HEADER_BYTES) {
    malformed('bundled message', 'its header does not fit the one around it');
  }
  // Asked before the body is read: a bundled message inside a bundled message would go down as far as its sender likes.
  if (type !== FLOW_MOD && type !== GROUP_MOD) malformed('bundled message', `its type is ${type}`);
  const message = readBody(r.sub(lengthBytes - (r.at - start)), type, version, xid);
  // Extra properties may follow the message.
  r.rest();
  if (message.kind !== 'flow_mod' && message.kind !== 'group_mod')
    malformed('bundled message', `it is ${message.kind}`);
  return message;
}

const ATOMIC = 1;
const ORDERED = 2;

function flagBits({ atomic, ordered }: BundleFlags): number {
  return (atomic ? ATOMIC : 0) | (ordered ? ORDERED : 0);
}

function readFlags(r: ByteReader): BundleFlags {
  const bits = r.u16();
  return { atomic: (bits & ATOMIC) !== 0, ordered: (bits & ORDERED) !== 0 };
}

/** A codec that is the same in all versions. */
interface PlainCodec<M> {
  wire(): number;
  write(w: ByteWriter, message: M): void;
  read(r: ByteReader): M;
}

function empty<K extends string>(kind: K, type: number): PlainCodec<Bare<K>> {
  return { wire: () => type, write() {}, read: () => ({ kind }) };
}

function echo<K extends string>(kind: K, type: number): PlainCodec<Echo<K>> {
  return {
    wire: () => type,
    write: (w, { data }) => void w.put(data),
    read: (r) => ({ kind, data: r.rest().slice() }),
  };
}

const FRAGMENT_BITS = 3;

function config<K extends string>(kind: K, type: number): PlainCodec<Config<K>> {
  return {
    wire: () => type,
    write: (w, { fragments, missSendLen }) => void w.u16(FRAGMENT_MODES.indexOf(fragments)).u16(missSendLen),
    read(r) {
      const fragments = FRAGMENT_MODES[r.u16() & FRAGMENT_BITS] ?? malformed(kind, 'its fragment mode is unknown');
      return { kind, fragments, missSendLen: r.u16() };
    },
  };
}
