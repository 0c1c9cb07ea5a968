import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakePeer, fakeSwitch } from '../../testing/fake-peer.ts';
import type { FlowUpdate } from '../codec/flow-monitor-codec.ts';
import { type Flow, type Message, OPENFLOW_13, OPENFLOW_14 } from '../index.ts';
import { connectSwitch } from './connect-switch.ts';
import type { ForeignChange } from './flow-monitor.ts';
import type { SwitchConnection } from './switch-connection.ts';

const FLOW: Flow = { table: 3, priority: 7, cookie: 0x99n, match: {}, actions: [] };
const NAME = { table: 3, priority: 7, cookie: 0x99n };
const BAD_MULTIPART: Message = {
  kind: 'error',
  type: 1,
  code: 2,
  typeName: 'OFPET_BAD_REQUEST',
  codeName: 'OFPBRC_BAD_MULTIPART',
  data: new Uint8Array(0),
};

function connect(peer: FakePeer, version: typeof OPENFLOW_13 | typeof OPENFLOW_14 = OPENFLOW_14) {
  return connectSwitch({ socket: peer.socket, signal: new AbortController().signal, deadlineMs: 1_000, version });
}

function told(entries: readonly FlowUpdate[]): Message {
  return { kind: 'multipart_reply', type: 'flow_monitor', more: false, entries };
}

/** A switch that lets its flows be monitored. */
function monitoredSwitch(): FakePeer {
  return fakeSwitch((message, peer, xid) => {
    if (message.kind === 'barrier_request') peer.send({ kind: 'barrier_reply' }, xid);
    if (message.kind === 'multipart_request') peer.send(told([]), xid);
  });
}

/** The answer comes behind all that was told before. */
async function allTold(connection: SwitchConnection): Promise<void> {
  await connection.barrier();
}

test('monitorFlows() fails with OPENFLOW_MONITOR_UNSUPPORTED, and asks for nothing, in OpenFlow 1.3', async () => {
  const peer = fakeSwitch();
  peer.send({ kind: 'hello', versions: [OPENFLOW_13] }, 1, OPENFLOW_13);
  await using connection = await connect(peer, OPENFLOW_13);
  await assert.rejects(
    connection.monitorFlows(() => {}),
    { code: 'OPENFLOW_MONITOR_UNSUPPORTED' },
  );
  assert.deepEqual(
    peer.received.filter(({ kind }) => kind !== 'hello'),
    [],
  );
});

const NO_ANSWER: readonly (readonly [what: string, answer: Message, code: string])[] = [
  ['refuses', BAD_MULTIPART, 'OPENFLOW_REFUSED'],
  ['tells of flows that nobody asked for', told([{ event: 'initial', flow: FLOW }]), 'OPENFLOW_REPLY_UNEXPECTED'],
  ['answers something else', { kind: 'barrier_reply' }, 'OPENFLOW_REPLY_UNEXPECTED'],
];
for (const [what, answer, code] of NO_ANSWER) {
  test(`monitorFlows() fails with ${code} when the switch ${what}, and can be tried again`, async () => {
    const answers = [answer, told([])];
    const peer = fakeSwitch((_message, it, xid) => it.send(answers.shift() ?? answer, xid));
    await using connection = await connect(peer);
    await assert.rejects(
      connection.monitorFlows(() => {}),
      { code },
    );
    await connection.monitorFlows(() => {});
  });
}

test('monitorFlows() throws TypeError when the flows of the session are monitored already', async () => {
  await using connection = await connect(monitoredSwitch());
  await using _monitor = await connection.monitorFlows(() => {});
  await assert.rejects(
    connection.monitorFlows(() => {}),
    TypeError,
  );
});

const NEWS: readonly (readonly [what: string, updates: readonly FlowUpdate[], changes: readonly ForeignChange[]])[] = [
  ['nothing of what our own request did', [{ event: 'abbrev', xid: 7 }], []],
  ['an added flow', [{ event: 'added', flow: FLOW }], [{ event: 'added', ...NAME }]],
  ['a modified flow', [{ event: 'modified', flow: FLOW }], [{ event: 'modified', ...NAME }]],
  [
    'a removed flow with the reason',
    [{ event: 'removed', reason: 1, flow: FLOW }],
    [{ event: 'removed', ...NAME, reason: 'hard timeout' }],
  ],
  ['a pause', [{ event: 'paused' }], [{ event: 'paused' }]],
  [
    'what others did beside us, in order',
    [{ event: 'abbrev', xid: 7 }, { event: 'added', flow: FLOW }, { event: 'resumed' }],
    [{ event: 'added', ...NAME }, { event: 'resumed' }],
  ],
];
for (const [what, updates, changes] of NEWS) {
  test(`monitorFlows() tells ${what}`, async () => {
    const peer = monitoredSwitch();
    await using connection = await connect(peer);
    const heard: (readonly ForeignChange[])[] = [];
    await using _monitor = await connection.monitorFlows((news) => heard.push(news));
    peer.send(told(updates), 0);
    await allTold(connection);
    assert.deepEqual(heard, changes.length === 0 ? [] : [changes]);
  });
}

test('monitorFlows() tells of a flow that cannot be read by its name, and the session goes on', async () => {
  const peer = monitoredSwitch();
  await using connection = await connect(peer);
  const heard: ForeignChange[] = [];
  await using _monitor = await connection.monitorFlows((news) => heard.push(...news));
  // An added flow of table 4, priority 5, cookie 6 that matches field 126 of class 1.
  const update = '0028 0001 04 03 0000 0000 0005 00000000 0000000000000006 0001 000c 0001 fc04 00000007 00000000';
  peer.sendBytes(Uint8Array.from(Buffer.from(`05130038000000000010000000000000${update}`.replaceAll(' ', ''), 'hex')));
  await allTold(connection);
  assert.deepEqual(heard, [{ event: 'added', table: 4, priority: 5, cookie: 6n }]);
});

test('a monitor that was disposed tells nothing more, and asks the switch to end it', async () => {
  const peer = monitoredSwitch();
  await using connection = await connect(peer);
  const heard: ForeignChange[] = [];
  {
    await using _monitor = await connection.monitorFlows((news) => heard.push(...news));
  }
  peer.send(told([{ event: 'added', flow: FLOW }]), 0);
  await allTold(connection);
  assert.deepEqual(heard, []);
  const requests = peer.received.flatMap((message) =>
    message.kind === 'multipart_request' && message.type === 'flow_monitor' ? [message.request] : [],
  );
  assert.deepEqual(requests, [
    { command: 'add', id: 1, flags: ['add', 'removed', 'modify'] },
    { command: 'delete', id: 1, flags: [] },
  ]);
});

test('a monitor that cannot be ended takes the session with it', async () => {
  const answers = [told([]), BAD_MULTIPART];
  const peer = fakeSwitch((_message, it, xid) => it.send(answers.shift() ?? BAD_MULTIPART, xid));
  const connection = await connect(peer);
  const monitor = await connection.monitorFlows(() => {});
  await monitor[Symbol.asyncDispose]();
  assert.equal((await connection.closed)?.code, 'OPENFLOW_REFUSED');
});

test('a monitor of a session that is over is disposed quietly', async () => {
  const connection = await connect(monitoredSwitch());
  const monitor = await connection.monitorFlows(() => {});
  await connection[Symbol.asyncDispose]();
  await monitor[Symbol.asyncDispose]();
});
