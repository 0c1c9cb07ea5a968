/** Actions that send a packet somewhere (OpenFlow 1.4.1 §7.2.5.1, ovs-actions(7) "Output Actions"). */
import type { Action } from '../action.ts';
import { PORT } from '../flow.ts';
import {
  type ActionCodec,
  endAction,
  fromPort16,
  niciraId,
  startAction,
  startNicira,
  toPort16,
} from './action-wire.ts';
import { malformed } from './errors.ts';
import { checkSubfield, packRange, readRange } from './field-actions.ts';
import { readFieldHeader, subfield, writeFieldHeader } from './field-codec.ts';
import { type Property, readProperties } from './properties.ts';

type Of<K extends Action['kind']> = Extract<Action, { kind: K }>;

const OUTPUT_TYPE = 0;
const GROUP_TYPE = 22;
const RESUBMIT_TYPE = 1;
const RESUBMIT_TABLE = 14;
const OUTPUT_REG_TYPE = 15;
const CONTROLLER_TYPE = 20;
const CONTROLLER2 = 37;
const OUTPUT_TRUNC = 39;
const RESUBMIT_TABLE_CT = 44;

/** "The whole packet" in 16 bits of length. */
const WHOLE = 0xffff;
const SAME_TABLE = 0xff;

/** Properties of NXAST_CONTROLLER2. */
const MAX_LEN = 0;
const CONTROLLER_ID = 1;
const REASON = 2;
const USERDATA = 3;
const PAUSE = 4;
const METER_ID = 5;

/** The reason "an action said so" (OFPR_ACTION): what a controller action without a reason means. */
const REASON_ACTION = 1;

/** To CONTROLLER, maxLen is how much of the packet goes there; to other ports it truncates the packet. */
export const OUTPUT: ActionCodec<Of<'output'>> = {
  ids: [OUTPUT_TYPE, niciraId(OUTPUT_TRUNC)],
  write(w, { port, maxLen }) {
    if (maxLen !== undefined && port !== PORT.CONTROLLER) {
      const start = startNicira(w, OUTPUT_TRUNC);
      w.u16(toPort16(port)).u32(maxLen);
      endAction(w, start);
      return;
    }
    const start = startAction(w, OUTPUT_TYPE);
    w.u32(port).u16(port === PORT.CONTROLLER ? (maxLen ?? WHOLE) : 0);
    endAction(w, start);
  },
  read(r, _lists, id) {
    if (id !== OUTPUT_TYPE) return { kind: 'output', port: fromPort16(r.u16()), maxLen: r.u32() };
    const port = r.u32();
    return port === PORT.CONTROLLER ? { kind: 'output', port, maxLen: r.u16() } : { kind: 'output', port };
  },
};

export const OUTPUT_REG: ActionCodec<Of<'output_reg'>> = {
  ids: [niciraId(OUTPUT_REG_TYPE)],
  write(w, { src, maxLen }) {
    checkSubfield(src);
    const start = startNicira(w, OUTPUT_REG_TYPE);
    w.u16(packRange(src));
    writeFieldHeader(w, src.field, 'nxm');
    w.u16(maxLen ?? WHOLE);
    endAction(w, start);
  },
  read(r) {
    const { offset, bits } = readRange(r);
    const src = subfield(readFieldHeader(r), offset, bits);
    const maxLen = r.u16();
    return maxLen === WHOLE ? { kind: 'output_reg', src } : { kind: 'output_reg', src, maxLen };
  },
};

export const GROUP: ActionCodec<Of<'group'>> = {
  ids: [GROUP_TYPE],
  write(w, { group }) {
    const start = startAction(w, GROUP_TYPE);
    w.u32(group);
    endAction(w, start);
  },
  read: (r) => ({ kind: 'group', group: r.u32() }),
};

export const CONTROLLER: ActionCodec<Of<'controller'>> = {
  ids: [niciraId(CONTROLLER_TYPE), niciraId(CONTROLLER2)],
  write(w, { maxLen, id, reason, userdata, pause, meter }) {
    if (userdata === undefined && !pause && meter === undefined) {
      const start = startNicira(w, CONTROLLER_TYPE);
      w.u16(maxLen).u16(id).u8(reason);
      endAction(w, start);
      return;
    }
    const start = startNicira(w, CONTROLLER2);
    w.zeros(6);
    if (maxLen !== WHOLE) w.u16(MAX_LEN).u16(8).u16(maxLen).zeros(2);
    if (id !== 0) w.u16(CONTROLLER_ID).u16(8).u16(id).zeros(2);
    if (reason !== REASON_ACTION) w.u16(REASON).u16(5).u8(reason).zeros(3);
    if (userdata !== undefined) {
      const property = w.length;
      w.u16(USERDATA)
        .u16(4 + userdata.length)
        .put(userdata)
        .pad(8, property);
    }
    if (pause) w.u16(PAUSE).u16(4).zeros(4);
    if (meter !== undefined) w.u16(METER_ID).u16(8).u32(meter);
    endAction(w, start);
  },
  read(r, _lists, wire) {
    if (wire === niciraId(CONTROLLER_TYPE)) return { kind: 'controller', maxLen: r.u16(), id: r.u16(), reason: r.u8() };
    r.skip(6);
    let action: Of<'controller'> = { kind: 'controller', maxLen: WHOLE, id: 0, reason: REASON_ACTION };
    for (const property of readProperties(r, 'controller action')) action = { ...action, ...controllerPart(property) };
    return action;
  },
};

/** What one property of NXAST_CONTROLLER2 says. */
function controllerPart({ type, value }: Property): Partial<Of<'controller'>> {
  switch (type) {
    case MAX_LEN:
      return { maxLen: value.u16() };
    case CONTROLLER_ID:
      return { id: value.u16() };
    case REASON:
      return { reason: value.u8() };
    case USERDATA:
      return { userdata: value.rest().slice() };
    case PAUSE:
      return { pause: true };
    case METER_ID:
      return { meter: value.u32() };
    default:
      malformed('controller action', `its property ${type} is unknown`);
  }
}

export const RESUBMIT: ActionCodec<Of<'resubmit'>> = {
  ids: [niciraId(RESUBMIT_TYPE), niciraId(RESUBMIT_TABLE), niciraId(RESUBMIT_TABLE_CT)],
  write(w, { inPort = PORT.IN_PORT, table = SAME_TABLE, ct }) {
    const start = startNicira(w, ct ? RESUBMIT_TABLE_CT : RESUBMIT_TABLE);
    w.u16(toPort16(inPort)).u8(table);
    endAction(w, start);
  },
  read(r, _lists, id) {
    const inPort = fromPort16(r.u16());
    const table = id === niciraId(RESUBMIT_TYPE) ? SAME_TABLE : r.u8();
    return {
      kind: 'resubmit',
      ...(inPort === PORT.IN_PORT ? {} : { inPort }),
      ...(table === SAME_TABLE ? {} : { table }),
      ...(id === niciraId(RESUBMIT_TABLE_CT) ? { ct: true } : {}),
    };
  },
};
