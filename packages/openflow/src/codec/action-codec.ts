/** Lists of actions: one table by kind, from which both directions follow. */
import type { ByteReader, ByteWriter } from '@tenet/std';
import { type Action, type ActionKind, MAX_ACTION_DEPTH } from '../action.ts';
import { type ActionCodec, type ActionId, type ActionLists, EXPERIMENTER_ACTION, niciraId } from './action-wire.ts';
import { codecError, malformed } from './errors.ts';
import { LOAD, MOVE, SET } from './field-actions.ts';
import { CONTROLLER, GROUP, OUTPUT, OUTPUT_REG, RESUBMIT } from './output-actions.ts';
import { CLONE, CONJUNCTION, CT, CT_CLEAR, DEC_TTL, METER, NOTE, POP_VLAN, PUSH_VLAN } from './packet-actions.ts';
import { NICIRA, OPENFLOW_13, OPENFLOW_14, OPENFLOW_15, type Version } from './protocol.ts';

/** Kinds that the wire knows as instructions only. */
export type InstructionOnly = 'write_actions' | 'clear_actions' | 'write_metadata' | 'goto_table';

const ACTIONS: { readonly [K in Exclude<ActionKind, InstructionOnly>]: ActionCodec<Extract<Action, { kind: K }>> } = {
  output: OUTPUT,
  output_reg: OUTPUT_REG,
  group: GROUP,
  controller: CONTROLLER,
  resubmit: RESUBMIT,
  load: LOAD,
  move: MOVE,
  set_field: SET,
  ct: CT,
  ct_clear: CT_CLEAR,
  note: NOTE,
  conjunction: CONJUNCTION,
  clone: CLONE,
  dec_ttl: DEC_TTL,
  push_vlan: PUSH_VLAN,
  pop_vlan: POP_VLAN,
  meter: METER,
};

const BY_ID: ReadonlyMap<ActionId, ActionCodec<Action>> = byId();

function byId(): Map<ActionId, ActionCodec<Action>> {
  const map = new Map<ActionId, ActionCodec<Action>>();
  for (const codec of Object.values(ACTIONS) as readonly ActionCodec<Action>[]) {
    for (const id of codec.ids) {
      if (map.has(id)) throw new RangeError(`two kinds of action claim the wire form 0x${id.toString(16)}`);
      map.set(id, codec);
    }
  }
  return map;
}

/** Lists of actions of a flow or a bucket in one version of the protocol. */
export const ACTION_LISTS: Readonly<Record<Version, ActionLists>> = {
  [OPENFLOW_13]: actionLists(OPENFLOW_13),
  [OPENFLOW_14]: actionLists(OPENFLOW_14),
  [OPENFLOW_15]: actionLists(OPENFLOW_15),
};

/** A peer decides how deep its lists nest, and our stack is finite: each level has its own reader, down to the last. */
function actionLists(version: Version, depth = 0): ActionLists {
  const lists: ActionLists = {
    version,
    inner: depth === MAX_ACTION_DEPTH ? tooDeep(version) : actionLists(version, depth + 1),
    write(w, actions) {
      for (const action of actions) writeAction(w, action, lists);
    },
    read(r) {
      const actions: Action[] = [];
      while (r.left > 0) actions.push(readAction(r, lists));
      return actions;
    },
  };
  return lists;
}

function tooDeep(version: Version): ActionLists {
  const sentence = `lists of actions are nested more than ${MAX_ACTION_DEPTH} deep`;
  return {
    version,
    get inner() {
      return this;
    },
    write() {
      throw new RangeError(sentence);
    },
    read: () => malformed('action', sentence),
  };
}

/** Writes one action. TypeError for an instruction, which cannot be inside another action or a group's bucket. */
export function writeAction(w: ByteWriter, action: Action, lists: ActionLists): void {
  const codec = (ACTIONS as Readonly<Record<string, ActionCodec<Action> | undefined>>)[action.kind];
  if (codec === undefined) throw new TypeError(`${action.kind} is an instruction, not an action`);
  codec.write(w, action, lists.inner);
}

function readAction(r: ByteReader, lists: ActionLists): Action {
  const type = r.u16();
  const lengthBytes = r.u16();
  if (lengthBytes < 8 || lengthBytes % 8 !== 0) malformed('action', `type ${type} claims ${lengthBytes} bytes`);
  const body = r.sub(lengthBytes - 4);
  let id = type;
  if (type === EXPERIMENTER_ACTION) {
    const experimenter = body.u32();
    if (experimenter !== NICIRA) throw codecError('OPENFLOW_ACTION_UNKNOWN', { type, experimenter });
    id = niciraId(body.u16());
  }
  const codec = BY_ID.get(id);
  if (codec !== undefined) return codec.read(body, lists.inner, id);
  throw codecError(
    'OPENFLOW_ACTION_UNKNOWN',
    type === EXPERIMENTER_ACTION ? { type, experimenter: NICIRA, subtype: id & 0xffff } : { type },
  );
}
