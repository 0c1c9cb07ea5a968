import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteReader, ByteWriter, fromHex, isTenetError, Truncated } from '@tenet/std';
import fc, { type Arbitrary } from 'fast-check';
import { arbitraryFlow } from '../../testing/arbitrary-flow.ts';
import { arbitraryMatch } from '../../testing/arbitrary-match.ts';
import { MONITOR_CAPTURES } from '../../testing/captures.ts';
import { type Flow, OPENFLOW_14, OPENFLOW_15, wireForm } from '../index.ts';
import { codecError } from './errors.ts';
import {
  FLOW_MONITOR_FLAGS,
  type FlowMonitorRequest,
  type FlowUpdate,
  readFlowMonitorRequest,
  readFlowUpdate,
  removalReason,
  writeFlowMonitorRequest,
  writeFlowUpdate,
} from './flow-monitor-codec.ts';
import { decodeMessage } from './message-codec.ts';

const VERSIONS = [OPENFLOW_14, OPENFLOW_15] as const;
const MATCH_ALL = '0001000400000000';

const REFUSED: readonly (readonly [what: string, read: (r: ByteReader) => unknown, hex: string])[] = [
  ['a monitor of an unknown command', readFlowMonitorRequest, `00000001 ffffffff ffffffff 000e ff 03 ${MATCH_ALL}`],
  ['a monitor of unknown flags', readFlowMonitorRequest, `00000001 ffffffff ffffffff 008e ff 00 ${MATCH_ALL}`],
  ['an update of an unknown event', updateReader(OPENFLOW_14), '0008 0007 00000000'],
  ['an update shorter than its header', updateReader(OPENFLOW_14), '0003 0005 00000000'],
];
for (const [what, read, hex] of REFUSED) {
  test(`${what} is OPENFLOW_MESSAGE_MALFORMED`, () => {
    assert.throws(() => read(new ByteReader(fromHex(hex))), { code: 'OPENFLOW_MESSAGE_MALFORMED' });
  });
}

test('writeFlowUpdate() throws TypeError for a flow that could not be read', () => {
  const unreadable = {
    table: 1,
    priority: 2,
    cookie: 3n,
    error: codecError('OPENFLOW_FIELD_UNKNOWN', { oxmClass: 1, field: 126 }),
  };
  assert.throws(() => writeFlowUpdate(new ByteWriter(), { event: 'added', unreadable }, OPENFLOW_14), TypeError);
});

test('readFlowUpdate() keeps what names a flow with an unknown field, and reads on behind it', () => {
  const w = new ByteWriter();
  const flow: Flow = { table: 4, priority: 5, cookie: 6n, match: { reg0: { value: 7n } }, actions: [] };
  writeFlowUpdate(w, { event: 'removed', reason: 2, flow }, OPENFLOW_14);
  const lengthBytes = w.length;
  writeFlowUpdate(w, { event: 'resumed' }, OPENFLOW_14);
  const bytes = w.toBytes();
  // The field's number: behind 24 bytes of the update, 4 of the match, and the two of the class.
  bytes[30] = 0x7e << 1;
  const r = new ByteReader(bytes);
  const update = readFlowUpdate(r, OPENFLOW_14);
  assert.ok(update.event === 'removed' && 'unreadable' in update);
  const { error, ...name } = update.unreadable;
  assert.deepEqual(
    [update.reason, name, error.code],
    [2, { table: 4, priority: 5, cookie: 6n }, 'OPENFLOW_FIELD_UNKNOWN'],
  );
  assert.equal(r.at, lengthBytes);
  assert.deepEqual(readFlowUpdate(r, OPENFLOW_14), { event: 'resumed' });
});

const REASONS: readonly (readonly [reason: number, words: string])[] = [
  [0, 'idle timeout'],
  [2, 'delete'],
  [3, 'group delete'],
  [99, 'reason 99'],
];
for (const [reason, words] of REASONS) {
  test(`removalReason() calls ${reason} "${words}"`, () => assert.equal(removalReason(reason), words));
}

const ADDED: Flow = {
  table: 3,
  priority: 7,
  cookie: 0x99n,
  idleTimeoutS: 500,
  hardTimeoutS: 6,
  match: { eth_type: { value: 0x800n }, ip_dst: { value: 0x0a00_0001n } },
  actions: [{ kind: 'output', port: 1 }],
};
const MODIFIED: Flow = {
  ...ADDED,
  actions: [
    { kind: 'output', port: 2 },
    { kind: 'goto_table', table: 4 },
  ],
};

const MEANINGS: readonly (readonly [part: string, is: FlowMonitorRequest | readonly FlowUpdate[]])[] = [
  ['add-flow ', [{ event: 'added', flow: ADDED }]],
  ['mod-flows ', [{ event: 'modified', flow: MODIFIED }]],
  ['del-flows ', [{ event: 'removed', reason: 2, flow: MODIFIED }]],
  ['ofctl/send', [{ event: 'abbrev', xid: 0x1234 }]],
  ['unread', [{ event: 'paused' }]],
  ['read again', [{ event: 'resumed' }]],
  ['monitor', { command: 'add', id: 0, flags: ['add', 'removed', 'modify', 'instructions'], table: 3 }],
];
describe('captures', () => {
  for (const [part, is] of MEANINGS) {
    test(`decodeMessage() reads what "${part}" means`, () => {
      const ours = MONITOR_CAPTURES.filter(({ command }) => command.includes(part));
      assert.ok(ours.length > 0);
      for (const { hex } of ours) {
        const { message } = decodeMessage(fromHex(hex));
        assert.ok(
          (message.kind === 'multipart_request' || message.kind === 'multipart_reply') &&
            message.type === 'flow_monitor',
        );
        if (message.kind === 'multipart_request') assert.deepEqual(message.request, is);
        else assert.deepEqual(message.entries, Array.isArray(is) ? is : []);
      }
    });
  }
});

const REQUESTS: Arbitrary<FlowMonitorRequest> = fc.record(
  {
    command: fc.constantFrom('add', 'modify', 'delete'),
    id: fc.nat(0xffff_ffff),
    flags: fc.subarray([...FLOW_MONITOR_FLAGS]),
    table: fc.nat(0xfe),
    outPort: fc.nat(0xffff_fffe),
    outGroup: fc.nat(0xffff_fffe),
    match: arbitraryMatch().filter((match) => Object.keys(match).length > 0),
  },
  { requiredKeys: ['command', 'id', 'flags'], noNullPrototype: true },
);

test('readFlowMonitorRequest() reads back what writeFlowMonitorRequest() writes, for any monitor', () => {
  fc.assert(
    fc.property(REQUESTS, (request) => {
      const w = new ByteWriter();
      writeFlowMonitorRequest(w, request);
      const r = new ByteReader(w.toBytes());
      assert.deepEqual(readFlowMonitorRequest(r), request);
      assert.equal(r.left, 0);
    }),
    { numRuns: 200 },
  );
});

for (const version of VERSIONS) {
  const flows = arbitraryFlow({ flags: 0 }).map(({ importance: _, ...flow }) => wireForm(flow, version));
  const updates: Arbitrary<FlowUpdate> = fc.oneof(
    fc.record({ event: fc.constantFrom('initial', 'added', 'modified'), flow: flows }),
    fc.record({ event: fc.constant('removed'), reason: fc.nat(0xff), flow: flows }),
    fc.record({ event: fc.constant('abbrev'), xid: fc.nat(0xffff_ffff) }),
    fc.record({ event: fc.constantFrom('paused', 'resumed') }),
  );

  test(`readFlowUpdate() reads back any updates in a row in wire version ${version}`, () => {
    fc.assert(
      fc.property(fc.array(updates, { maxLength: 4 }), (wanted) => {
        const w = new ByteWriter();
        for (const update of wanted) writeFlowUpdate(w, update, version);
        const r = new ByteReader(w.toBytes());
        const found = wanted.map(() => ({ ...readFlowUpdate(r, version) }));
        assert.deepEqual(
          found,
          wanted.map((update) => ({ ...update })),
        );
        assert.equal(r.left, 0);
      }),
      { numRuns: 100 },
    );
  });
}

test('readFlowUpdate() of any bytes is an update or an error of ours', () => {
  const anyUpdate = fc.record({
    event: fc.nat(8),
    lengthBytes: fc.nat(80),
    body: fc.uint8Array({ maxLength: 80 }),
    version: fc.constantFrom(...VERSIONS),
  });
  fc.assert(
    fc.property(anyUpdate, ({ event, lengthBytes, body, version }) => {
      const w = new ByteWriter().u16(lengthBytes).u16(event).put(body);
      onlyOurErrors(() => readFlowUpdate(new ByteReader(w.toBytes()), version));
    }),
    { numRuns: 1000 },
  );
});

test('decodeMessage() of a monitor capture with damaged bytes is a message or an error of ours', () => {
  const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...MONITOR_CAPTURES), damages, ({ hex }, damage) => {
      const bytes = fromHex(hex);
      for (const [at, byte] of damage) bytes[8 + (at % (bytes.length - 8))] = byte;
      onlyOurErrors(() => decodeMessage(bytes));
    }),
    { numRuns: 1000 },
  );
});

function updateReader(version: 5 | 6): (r: ByteReader) => FlowUpdate {
  return (r) => readFlowUpdate(r, version);
}

/** `Truncated` is what a reader of bytes throws, and `decodeMessage` makes an error of ours of it. */
function onlyOurErrors(body: () => unknown): void {
  try {
    body();
  } catch (error) {
    if (!isTenetError(error) && !(error instanceof Truncated)) throw error;
  }
}
