/** Actions that change a packet or its state, and those that hold other actions (ovs-actions(7)). */
import type { ByteReader } from '@tenet/std';
import type { Action, Nat } from '../action.ts';
import { type ActionCodec, EXPERIMENTER_ACTION, endAction, niciraId, startAction, startNicira } from './action-wire.ts';
import { malformed } from './errors.ts';
import { checkSubfield, packRange } from './field-actions.ts';
import { readFieldHeader, subfield, writeFieldHeader } from './field-codec.ts';
import { readNat, writeNat } from './nat-codec.ts';
import { NICIRA, OPENFLOW_15 } from './protocol.ts';

type Of<K extends Action['kind']> = Extract<Action, { kind: K }>;

const PUSH_VLAN_TYPE = 17;
const POP_VLAN_TYPE = 18;
const DEC_NW_TTL = 24;
const METER_TYPE = 29;
const NOTE_TYPE = 8;
const DEC_TTL_NICIRA = 18;
const CONJUNCTION_TYPE = 34;
const CT_TYPE = 35;
const NAT_TYPE = 36;
const CLONE_TYPE = 42;
const CT_CLEAR_TYPE = 43;

const CT_COMMIT = 1;
const CT_FORCE = 2;
const NO_TABLE = 0xff;

export const CT: ActionCodec<Of<'ct'>> = {
  ids: [niciraId(CT_TYPE)],
  write(w, { commit, force, zone = 0, table, nat, exec = [], alg }, lists) {
    const start = startNicira(w, CT_TYPE);
    w.u16((commit ? CT_COMMIT : 0) | (force ? CT_FORCE : 0));
    if (typeof zone === 'number') {
      w.u32(0).u16(zone);
    } else {
      checkSubfield(zone);
      writeFieldHeader(w, zone.field, 'nxm');
      w.u16(packRange(zone));
    }
    w.u8(table ?? NO_TABLE)
      .zeros(3)
      .u16(alg ?? 0);
    if (nat !== undefined) {
      const inner = startNicira(w, NAT_TYPE);
      writeNat(w, nat);
      endAction(w, inner);
    }
    lists.write(w, exec);
    endAction(w, start);
  },
  read(r, lists) {
    const flags = r.u16();
    const zone = readZone(r);
    const table = r.u8();
    r.skip(3);
    const alg = r.u16();
    const { nat, rest } = splitNat(r);
    const exec = rest.flatMap((piece) => lists.read(piece));
    return {
      kind: 'ct',
      ...(flags & CT_COMMIT ? { commit: true } : {}),
      ...(flags & CT_FORCE ? { force: true } : {}),
      ...(zone === 0 ? {} : { zone }),
      ...(table === NO_TABLE ? {} : { table }),
      ...(nat === undefined ? {} : { nat }),
      ...(exec.length === 0 ? {} : { exec }),
      ...(alg === 0 ? {} : { alg }),
    };
  },
};

/** A number, or the bits of a field that hold it. */
function readZone(r: ByteReader): NonNullable<Of<'ct'>['zone']> {
  const literal = r.bytes.subarray(r.at, r.at + 4).every((byte) => byte === 0);
  if (literal) {
    r.skip(4);
    return r.u16();
  }
  const field = readFieldHeader(r);
  const range = r.u16();
  return subfield(field, range >> 6, (range & 0x3f) + 1);
}

/** Takes NXAST_NAT out of a list of actions: a switch puts it where it was given, we keep it beside them. */
function splitNat(r: ByteReader): { nat?: Nat; rest: ByteReader[] } {
  let nat: Nat | undefined;
  const rest: ByteReader[] = [];
  while (r.left > 0) {
    const peek = r.bytes.subarray(r.at, r.at + Math.min(10, r.left));
    const lengthBytes = ((peek[2] ?? 0) << 8) | (peek[3] ?? 0);
    if (lengthBytes < 8) malformed('ct action', `an inner action claims ${lengthBytes} bytes`);
    const action = r.sub(lengthBytes);
    if (!isNat(peek)) {
      rest.push(action);
      continue;
    }
    if (nat !== undefined) malformed('ct action', 'it has two nat actions');
    action.skip(10);
    nat = readNat(action);
  }
  return nat === undefined ? { rest } : { nat, rest };
}

function isNat(header: Uint8Array): boolean {
  if (header.length < 10) return false;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  return view.getUint16(0) === EXPERIMENTER_ACTION && view.getUint32(4) === NICIRA && view.getUint16(8) === NAT_TYPE;
}

export const CT_CLEAR: ActionCodec<Of<'ct_clear'>> = {
  ids: [niciraId(CT_CLEAR_TYPE)],
  write(w) {
    endAction(w, startNicira(w, CT_CLEAR_TYPE));
  },
  read: () => ({ kind: 'ct_clear' }),
};

/** The wire pads a note with zeros that nothing tells from its own bytes: it comes back as 6, 14, 22 … bytes. */
export const NOTE: ActionCodec<Of<'note'>> = {
  ids: [niciraId(NOTE_TYPE)],
  write(w, { bytes }) {
    const start = startNicira(w, NOTE_TYPE);
    w.put(bytes);
    endAction(w, start);
  },
  read: (r) => ({ kind: 'note', bytes: r.rest().slice() }),
};

/** Clauses count from 1 in text and in our model, from 0 on the wire. */
export const CONJUNCTION: ActionCodec<Of<'conjunction'>> = {
  ids: [niciraId(CONJUNCTION_TYPE)],
  write(w, { id, clause, of }) {
    const start = startNicira(w, CONJUNCTION_TYPE);
    w.u8(clause - 1)
      .u8(of)
      .u32(id);
    endAction(w, start);
  },
  read(r) {
    const clause = r.u8() + 1;
    const of = r.u8();
    return { kind: 'conjunction', id: r.u32(), clause, of };
  },
};

export const CLONE: ActionCodec<Of<'clone'>> = {
  ids: [niciraId(CLONE_TYPE)],
  write(w, { actions }, lists) {
    const start = startNicira(w, CLONE_TYPE);
    w.zeros(6);
    lists.write(w, actions);
    endAction(w, start);
  },
  read(r, lists) {
    r.skip(6);
    return { kind: 'clone', actions: lists.read(r) };
  },
};

export const DEC_TTL: ActionCodec<Of<'dec_ttl'>> = {
  ids: [DEC_NW_TTL, niciraId(DEC_TTL_NICIRA)],
  write(w) {
    endAction(w, startAction(w, DEC_NW_TTL));
  },
  read: () => ({ kind: 'dec_ttl' }),
};

export const PUSH_VLAN: ActionCodec<Of<'push_vlan'>> = {
  ids: [PUSH_VLAN_TYPE],
  write(w, { ethType }) {
    const start = startAction(w, PUSH_VLAN_TYPE);
    w.u16(ethType);
    endAction(w, start);
  },
  read: (r) => ({ kind: 'push_vlan', ethType: r.u16() }),
};

export const POP_VLAN: ActionCodec<Of<'pop_vlan'>> = {
  ids: [POP_VLAN_TYPE],
  write(w) {
    endAction(w, startAction(w, POP_VLAN_TYPE));
  },
  read: () => ({ kind: 'pop_vlan' }),
};

/** An action since OpenFlow 1.5, an instruction before. */
export const METER: ActionCodec<Of<'meter'>> = {
  ids: [METER_TYPE],
  write(w, { meter }, { version }) {
    if (version !== OPENFLOW_15) throw new TypeError('meter is an instruction before OpenFlow 1.5');
    const start = startAction(w, METER_TYPE);
    w.u32(meter);
    endAction(w, start);
  },
  read: (r) => ({ kind: 'meter', meter: r.u32() }),
};
