/** The frame around every action: its type, length and padding, and how one is recognised. */
import type { ByteReader, ByteWriter } from '@tenet/std';
import type { Action } from '../action.ts';
import { NICIRA, type Version } from './protocol.ts';
import { writeLength } from './write-length.ts';

/** The type of actions that an experimenter owns (OFPAT_EXPERIMENTER). */
export const EXPERIMENTER_ACTION = 0xffff;

/** How an action is told apart: OpenFlow's own types are below 0x10000, Nicira's subtypes above. */
export type ActionId = number;

export function niciraId(subtype: number): ActionId {
  return 0x1_0000 | subtype;
}

/** Reads and writes lists of actions in one version: what an action with actions inside it needs. */
export interface ActionLists {
  readonly version: Version;
  /** For lists one level deeper. */
  readonly inner: ActionLists;
  write(w: ByteWriter, actions: readonly Action[]): void;
  read(r: ByteReader): Action[];
}

/** One kind of action, both ways. */
export interface ActionCodec<A extends Action> {
  /** The wire forms that `read` understands. */
  readonly ids: readonly ActionId[];
  /** `lists` writes what is inside of this action. */
  write(w: ByteWriter, action: A, lists: ActionLists): void;
  /** Reads what follows the header; bytes left behind are padding. */
  read(r: ByteReader, lists: ActionLists, id: ActionId): A;
}

/** Starts an action of OpenFlow itself; `endAction` takes the offset that this answers. */
export function startAction(w: ByteWriter, type: number): number {
  const start = w.length;
  w.u16(type).u16(0);
  return start;
}

/** Starts an action of Nicira's. */
export function startNicira(w: ByteWriter, subtype: number): number {
  const start = startAction(w, EXPERIMENTER_ACTION);
  w.u32(NICIRA).u16(subtype);
  return start;
}

/** Pads an action to eight bytes and writes its length. */
export function endAction(w: ByteWriter, start: number): void {
  w.pad(8, start);
  writeLength(w, { at: start + 2, from: start }, 'action');
}

/** A port as the 16 bits that Nicira's older actions have; RangeError for a number between. */
export function toPort16(port: number): number {
  if (port < FIRST_RESERVED_16) return port;
  if (port < FIRST_RESERVED_32) throw new RangeError(`port ${port} does not fit the 16 bits of this action`);
  return port & 0xffff;
}

export function fromPort16(port: number): number {
  return port < FIRST_RESERVED_16 ? port : (0xffff_0000 | port) >>> 0;
}

const FIRST_RESERVED_16 = 0xff00;
const FIRST_RESERVED_32 = 0xffff_ff00;
