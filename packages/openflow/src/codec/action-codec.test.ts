import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter, isTenetError } from '@tenet/std';
import fc from 'fast-check';
import { type Action, MAX_ACTION_DEPTH } from '../action.ts';
import { addFlow, type FlowEntry, readFlowEntry, writeFlowEntry } from './flow-codec.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { OPENFLOW_13, OPENFLOW_14, OPENFLOW_15, type Version } from './protocol.ts';

const VERSIONS: readonly Version[] = [OPENFLOW_13, OPENFLOW_14, OPENFLOW_15];
const FLOW = { table: 1, priority: 10, cookie: 5n, match: {}, actions: [] };

/** What stands before the actions that an action holds; its length is at offset 2. */
const HOLDERS = {
  clone: [0xff, 0xff, 0, 0, 0, 0, 0x23, 0x20, 0, 42, 0, 0, 0, 0, 0, 0],
  ct: [0xff, 0xff, 0, 0, 0, 0, 0x23, 0x20, 0, 35, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0],
} as const;
type Holder = keyof typeof HOLDERS;

const APPLY_ACTIONS = 4;
const WRITE_ACTIONS = 3;

/** As many as 64 KiB hold. */
const MANY = 2_700;

const anyNesting = fc
  .tuple(fc.integer({ min: 1, max: MANY }), fc.array(fc.constantFrom<Holder>('clone', 'ct'), { minLength: 1 }))
  .map(([depth, pattern]) => Array.from({ length: depth }, (_, at): Holder => pattern[at % pattern.length] ?? 'clone'));

/** Actions inside each other, the first outermost, as one instruction. */
function instruction(type: number, holders: readonly Holder[]): Uint8Array {
  const w = new ByteWriter(0x1_0000);
  let left = holders.reduce((sum, holder) => sum + HOLDERS[holder].length, 0);
  w.u16(type)
    .u16(left + 8)
    .zeros(4);
  for (const holder of holders) {
    const start = w.length;
    w.put(Uint8Array.from(HOLDERS[holder])).setU16(start + 2, left);
    left -= HOLDERS[holder].length;
  }
  return w.toBytes();
}

/** A message of ours with these bytes behind it, its length adjusted. */
function flowMod(version: Version, instructions: Uint8Array): Uint8Array {
  const w = new ByteWriter();
  encodeMessage(w, { version, xid: 1, message: addFlow(FLOW) });
  return w.put(instructions).setU16(2, w.length).toBytes();
}

function flowEntry(version: Version, instructions: Uint8Array): FlowEntry {
  const w = new ByteWriter();
  writeFlowEntry(w, FLOW, version);
  w.put(instructions).setU16(0, w.length);
  return readFlowEntry(new ByteReader(w.view()), version);
}

function bundlesInBundles(version: Version, count: number): Uint8Array {
  const w = new ByteWriter(0x1_0000);
  const layerBytes = version === OPENFLOW_13 ? 24 : 16;
  for (let layer = count; layer > 0; layer--) {
    w.u8(version)
      .u8(version === OPENFLOW_13 ? 4 : 34)
      .u16(layer * layerBytes)
      .u32(1);
    if (version === OPENFLOW_13) w.u32(0x4f4e_4600).u32(2301);
    w.zeros(8);
  }
  return w.toBytes();
}

function innermostOf(depth: number): Action {
  let action: Action = { kind: 'output', port: 1 };
  for (let level = 0; level < depth; level++) action = { kind: 'clone', actions: [action] };
  return action;
}

/** Found by counting, not by a stack that overflowed: that one would be the cause. */
function isCounted(error: unknown): boolean {
  return isTenetError(error, 'OPENFLOW_MESSAGE_MALFORMED') && error.cause === undefined;
}

for (const version of VERSIONS) {
  test(`decodeMessage() refuses actions nested too deep, for any size, in wire version ${version}`, () => {
    fc.assert(
      fc.property(fc.constantFrom(APPLY_ACTIONS, WRITE_ACTIONS), anyNesting, (type, holders) => {
        const bytes = flowMod(version, instruction(type, holders));
        // An empty list inside the last holder counts too, except that ct has none when it is empty.
        const lists = holders.length - (type === APPLY_ACTIONS ? 0 : -1) - (holders.at(-1) === 'ct' ? 1 : 0);
        if (lists <= MAX_ACTION_DEPTH) assert.equal(decodeMessage(bytes).message.kind, 'flow_mod');
        else assert.throws(() => decodeMessage(bytes), isCounted);
      }),
      { numRuns: 60, examples: [[APPLY_ACTIONS, Array.from({ length: MANY }, () => 'clone')]] },
    );
  });

  test(`decodeMessage() refuses bundles inside bundles, for any size, in wire version ${version}`, () => {
    for (const count of [2, 20, MANY]) {
      assert.throws(() => decodeMessage(bundlesInBundles(version, count)), isCounted);
    }
  });

  test(`readFlowEntry() keeps what names a flow nested too deep in wire version ${version}`, () => {
    const entry = flowEntry(version, instruction(APPLY_ACTIONS, Array(MANY).fill('clone')));
    assert.ok('unreadable' in entry);
    assert.deepEqual([entry.unreadable.table, entry.unreadable.cookie], [1, 5n]);
    assert.ok(isTenetError(entry.unreadable.error, 'OPENFLOW_MESSAGE_MALFORMED'));
  });

  test(`encodeMessage() takes exactly as deep a nesting as decodeMessage() in wire version ${version}`, () => {
    const message = addFlow({ ...FLOW, actions: [innermostOf(MAX_ACTION_DEPTH)] });
    const w = new ByteWriter();
    encodeMessage(w, { version, xid: 1, message });
    assert.deepEqual(decodeMessage(w.toBytes()).message, message);
    const deeper = addFlow({ ...FLOW, actions: [innermostOf(MAX_ACTION_DEPTH + 1)] });
    assert.throws(() => encodeMessage(new ByteWriter(), { version, xid: 1, message: deeper }), /nested more than 16/);
  });
}
