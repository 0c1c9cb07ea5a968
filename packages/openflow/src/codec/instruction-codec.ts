/** A flow's list of actions as the instructions that the wire wants (OpenFlow 1.4.1 §7.2.4). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import type { Action } from '../action.ts';
import { ACTION_LISTS, type InstructionOnly, writeAction } from './action-codec.ts';
import type { ActionLists } from './action-wire.ts';
import { codecError, malformed } from './errors.ts';
import { ALL_ONES_64, OPENFLOW_15, type Version } from './protocol.ts';
import { writeLength } from './write-length.ts';

const APPLY_ACTIONS = 4;

/** One kind of instruction, both ways. */
interface InstructionCodec<A extends Action> {
  readonly type: number;
  write(w: ByteWriter, action: A, lists: ActionLists): void;
  /** Reads what follows type and length. */
  read(r: ByteReader, lists: ActionLists): A;
}

/** In the order in which Open vSwitch writes and executes them; apply_actions stands between meter and the rest. */
const INSTRUCTIONS: {
  readonly [K in InstructionOnly | 'meter']: InstructionCodec<Extract<Action, { kind: K }>>;
} = {
  meter: {
    type: 6,
    write: (w, { meter }) => void w.u32(meter),
    read: (r) => ({ kind: 'meter', meter: r.u32() }),
  },
  clear_actions: {
    type: 5,
    write: (w) => void w.zeros(4),
    read: () => ({ kind: 'clear_actions' }),
  },
  write_actions: {
    type: 3,
    write(w, { actions }, lists) {
      w.zeros(4);
      lists.write(w, actions);
    },
    read(r, lists) {
      r.skip(4);
      return { kind: 'write_actions', actions: lists.read(r) };
    },
  },
  write_metadata: {
    type: 2,
    write: (w, { value, mask = ALL_ONES_64 }) => void w.zeros(4).u64(value).u64(mask),
    read(r) {
      r.skip(4);
      const value = r.u64();
      const mask = r.u64();
      return mask === ALL_ONES_64 ? { kind: 'write_metadata', value } : { kind: 'write_metadata', value, mask };
    },
  },
  goto_table: {
    type: 1,
    write: (w, { table }) => void w.u8(table).zeros(3),
    read: (r) => ({ kind: 'goto_table', table: r.u8() }),
  },
};

type InstructionKind = keyof typeof INSTRUCTIONS;

const BY_KIND = INSTRUCTIONS as Readonly<Record<string, InstructionCodec<Action> | undefined>>;
const BEHIND_ACTIONS = (Object.keys(INSTRUCTIONS) as InstructionKind[]).filter((kind) => kind !== 'meter');
const BY_TYPE: ReadonlyMap<number, InstructionCodec<Action>> = new Map(
  (Object.values(INSTRUCTIONS) as readonly InstructionCodec<Action>[]).map((codec) => [codec.type, codec]),
);

/** Writes a flow's actions as instructions. RangeError when one instruction is asked for twice. */
export function writeInstructions(w: ByteWriter, actions: readonly Action[], version: Version): void {
  const lists = ACTION_LISTS[version];
  let applied = 0;
  let instructions = 0;
  for (const { kind } of actions) {
    if (isInstruction(kind, version)) instructions++;
    else applied++;
  }
  if (instructions > 0 && version !== OPENFLOW_15) writeOnly(w, actions, 'meter', lists);
  if (applied > 0) {
    const start = w.length;
    w.u16(APPLY_ACTIONS).u16(0).zeros(4);
    for (const action of actions) if (!isInstruction(action.kind, version)) writeAction(w, action, lists);
    writeLength(w, { at: start + 2, from: start }, 'apply_actions instruction');
  }
  if (instructions > 0) for (const kind of BEHIND_ACTIONS) writeOnly(w, actions, kind, lists);
}

function isInstruction(kind: Action['kind'], version: Version): boolean {
  return BY_KIND[kind] !== undefined && !(kind === 'meter' && version === OPENFLOW_15);
}

function writeOnly(w: ByteWriter, actions: readonly Action[], kind: InstructionKind, lists: ActionLists): void {
  const wanted = actions.filter((action) => action.kind === kind);
  const [action] = wanted;
  if (action === undefined) return;
  if (wanted.length > 1) throw new RangeError(`a flow has ${wanted.length} ${kind} instructions`);
  const codec = BY_KIND[kind] as InstructionCodec<Action>;
  const start = w.length;
  w.u16(codec.type).u16(0);
  codec.write(w, action, lists.inner);
  writeLength(w, { at: start + 2, from: start }, `${kind} instruction`);
}

/** Reads all that is left as instructions, in the order of the wire. */
export function readInstructions(r: ByteReader, version: Version): Action[] {
  const lists = ACTION_LISTS[version];
  const actions: Action[] = [];
  while (r.left > 0) {
    const type = r.u16();
    const lengthBytes = r.u16();
    if (lengthBytes < 8 || lengthBytes % 8 !== 0) malformed('instruction', `type ${type} claims ${lengthBytes} bytes`);
    const body = r.sub(lengthBytes - 4);
    if (type === APPLY_ACTIONS) {
      body.skip(4);
      actions.push(...lists.read(body));
      continue;
    }
    const codec = BY_TYPE.get(type);
    if (codec === undefined) throw codecError('OPENFLOW_INSTRUCTION_UNKNOWN', { type });
    actions.push(codec.read(body, lists.inner));
  }
  return actions;
}
