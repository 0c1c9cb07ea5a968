import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, isTenetError, sentenceOf } from '@tenet/std';
import { type Answer, FakePeer, fakeSwitch } from '../../testing/fake-peer.ts';
import { addFlow, type Flow, type Message, OPENFLOW_15, type Version } from '../index.ts';
import { connectSwitch } from './connect-switch.ts';
import type { SwitchConnection } from './switch-connection.ts';

const DEADLINE_MS = 40;
const NEVER = new AbortController().signal;
const bytes = (hex: string) => fromHex(hex);

function connect(peer: FakePeer, version?: Version): Promise<SwitchConnection> {
  const options = { socket: peer.socket, signal: NEVER, deadlineMs: DEADLINE_MS };
  return connectSwitch(version === undefined ? options : { ...options, version });
}

const NO_SWITCH: readonly (readonly [peer: string, first: (peer: FakePeer) => void, code: string])[] = [
  ['says nothing', () => {}, 'OPENFLOW_SILENT'],
  ['sends half a hello', (peer) => peer.sendBytes(bytes('05000010 000000')), 'OPENFLOW_SILENT'],
  ['announces a huge message', (peer) => peer.sendBytes(bytes('0500ffff 00000001 00')), 'OPENFLOW_SILENT'],
  [
    'announces a message shorter than its header',
    (peer) => peer.sendBytes(bytes('05000007 00000001')),
    'OPENFLOW_FRAME_MALFORMED',
  ],
  [
    'speaks HTTP',
    (peer) => peer.sendBytes(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n')),
    'OPENFLOW_PEER_FOREIGN',
  ],
  ['sends one byte of something else', (peer) => peer.sendBytes(bytes('53')), 'OPENFLOW_PEER_FOREIGN'],
  [
    'sends a hello whose element has no length',
    (peer) => peer.sendBytes(bytes('05000010 00000001 00010000 00000000')),
    'OPENFLOW_MESSAGE_MALFORMED',
  ],
  ['begins with another message', (peer) => peer.send({ kind: 'barrier_reply' }, 1), 'OPENFLOW_PEER_FOREIGN'],
  ['begins with the head of another message', (peer) => peer.sendBytes(bytes('0506 ffff')), 'OPENFLOW_PEER_FOREIGN'],
  ['speaks only OpenFlow 1.0', (peer) => peer.sendBytes(bytes('01000008 00000001')), 'OPENFLOW_VERSION_REFUSED'],
  ['speaks only OpenFlow 1.5', (peer) => peer.send({ kind: 'hello', versions: [6] }, 1, 6), 'OPENFLOW_VERSION_REFUSED'],
  ['refuses our hello', (peer) => peer.sendBytes(bytes('0501000c 00000001 00000000')), 'OPENFLOW_REFUSED'],
  ['closes at once', (peer) => peer.close(), 'OPENFLOW_CLOSED'],
];
for (const [what, first, code] of NO_SWITCH) {
  test(`connectSwitch() fails with ${code} when the peer ${what}`, async () => {
    const peer = new FakePeer();
    first(peer);
    await assert.rejects(connect(peer), { code });
    assert.equal(peer.socket.destroyed, true);
  });
}

test('connectSwitch() tells in what words a switch refuses our hello', async () => {
  const peer = new FakePeer();
  const words = new TextEncoder().encode('We support version 0x01.\n\0');
  const names = { typeName: 'OFPET_HELLO_FAILED', codeName: 'OFPHFC_INCOMPATIBLE' };
  peer.send({ kind: 'error', type: 0, code: 0, ...names, data: words }, 7);
  await assert.rejects(connect(peer), (error) => {
    assert.equal(
      sentenceOf(error),
      'the switch refused the hello: OFPHFC_INCOMPATIBLE (OFPET_HELLO_FAILED): ' +
        'the switch says: We support version 0x01.',
    );
    return true;
  });
});

test('connectSwitch() fails with OPENFLOW_UNREACHABLE when there is no socket', async () => {
  await assert.rejects(connectSwitch({ path: '/nonexistent/br0.mgmt', signal: NEVER }), {
    code: 'OPENFLOW_UNREACHABLE',
  });
});

test('connectSwitch() fails with the reason of its signal when that aborts', async () => {
  const abort = new AbortController();
  const connecting = connectSwitch({ socket: new FakePeer().socket, signal: abort.signal });
  abort.abort(new RangeError('enough'));
  await assert.rejects(connecting, /enough/);
});

const AGREED: readonly (readonly [
  theirs: readonly number[] | undefined,
  header: number,
  asked: Version | undefined,
  agreed: number,
])[] = [
  [[1, 4, 5, 6], 6, undefined, 5],
  [[1, 4], 4, undefined, 4],
  [undefined, 4, undefined, 4],
  [[4, 5, 6], 6, 6, 6],
];
for (const [theirs, header, asked, agreed] of AGREED) {
  test(`connectSwitch(${asked ?? ''}) agrees on ${agreed} with a switch of ${theirs ?? `at most ${header}`}`, async () => {
    const peer = new FakePeer();
    peer.send(theirs === undefined ? { kind: 'hello' } : { kind: 'hello', versions: theirs }, 1, header);
    await using connection = await connect(peer, asked);
    assert.equal(connection.version, agreed);
  });
}

const UNANSWERED: readonly (readonly [what: string, answer: Answer, code: string, alive: boolean])[] = [
  ['says nothing', () => {}, 'OPENFLOW_SILENT', true],
  [
    'answers another xid',
    (_message, peer, xid) => peer.send({ kind: 'barrier_reply' }, xid + 1),
    'OPENFLOW_SILENT',
    true,
  ],
  ['answers half', (_message, peer) => peer.sendBytes(bytes('05150008 0000')), 'OPENFLOW_SILENT', true],
  [
    'answers with another message',
    (_message, peer, xid) => peer.send({ kind: 'features_request' }, xid),
    'OPENFLOW_REPLY_UNEXPECTED',
    true,
  ],
  ['sends an error', (_message, peer, xid) => peer.send(BAD_LEN, xid), 'OPENFLOW_REFUSED', true],
  [
    'answers with trailing bytes',
    (_message, peer, xid) => peer.sendBytes(Uint8Array.of(5, 21, 0, 9, 0, 0, 0, xid, 1)),
    'OPENFLOW_MESSAGE_MALFORMED',
    true,
  ],
  [
    'answers in OpenFlow 1.0',
    (_message, peer, xid) => peer.sendBytes(Uint8Array.of(1, 19, 0, 8, 0, 0, 0, xid)),
    'OPENFLOW_VERSION_UNSUPPORTED',
    true,
  ],
  [
    'answers with garbage',
    (_message, peer) => peer.sendBytes(bytes('ffff0000 ffffffff')),
    'OPENFLOW_FRAME_MALFORMED',
    false,
  ],
  [
    'sends a malformed message that nobody asked for',
    (_message, peer) => peer.sendBytes(bytes('050e0009 ffffffff 00')),
    'OPENFLOW_MESSAGE_MALFORMED',
    false,
  ],
  ['closes', (_message, peer) => peer.close(), 'OPENFLOW_CLOSED', false],
];
const BAD_LEN: Message = {
  kind: 'error',
  type: 1,
  code: 6,
  typeName: 'OFPET_BAD_REQUEST',
  codeName: 'OFPBRC_BAD_LEN',
  data: bytes('0512'),
};

for (const [what, answer, code, alive] of UNANSWERED) {
  test(`barrier() fails with ${code} and ${alive ? 'keeps' : 'ends'} the session when the switch ${what}`, async () => {
    const peer = fakeSwitch(answer);
    await using connection = await connect(peer);
    await assert.rejects(connection.barrier(), { code });
    assert.equal(peer.socket.destroyed, !alive);
    if (!alive) assert.equal((await connection.closed)?.code, code);
  });
}

test('a refused request names the error and the first bytes of what failed', async () => {
  await using connection = await connect(fakeSwitch((_message, peer, xid) => peer.send(BAD_LEN, xid)));
  await assert.rejects(connection.features(), {
    message: 'the switch refused the features_request: OFPBRC_BAD_LEN (OFPET_BAD_REQUEST)',
    facts: {
      what: 'features_request',
      typeName: 'OFPET_BAD_REQUEST',
      codeName: 'OFPBRC_BAD_LEN',
      xid: 2,
      failedHex: '0512',
    },
  });
});

test('requests after the end fail at once with why it ended', async () => {
  const peer = fakeSwitch();
  const connection = await connect(peer);
  await connection[Symbol.asyncDispose]();
  assert.equal(await connection.closed, undefined);
  await assert.rejects(connection.barrier(), { code: 'OPENFLOW_CLOSED' });
});

test('dumpFlows() joins the parts of a reply', async () => {
  const flow: Flow = {
    table: 0,
    priority: 1,
    cookie: 2n,
    match: {},
    actions: [],
    stats: { durationMs: 0, packets: 1n, bytes: 2n },
  };
  const part = (more: boolean, ...flows: Flow[]): Message => ({
    kind: 'multipart_reply',
    type: 'flow',
    more,
    entries: flows.map((one) => ({ flow: one })),
  });
  await using connection = await connect(
    fakeSwitch((_message, peer, xid) => {
      peer.send(part(true, flow, flow), xid);
      peer.send(part(true), xid);
      peer.send(part(false, flow), xid);
    }),
  );
  assert.deepEqual(await connection.dumpFlows(), [flow, flow, flow]);
});

test('the connection answers an echo with the same data and xid', async () => {
  const echoed = Promise.withResolvers<readonly [Message, number]>();
  const peer = fakeSwitch((message, _peer, xid) => echoed.resolve([message, xid]));
  await using _connection = await connect(peer);
  peer.send({ kind: 'echo_request', data: bytes('0102') }, 77);
  assert.deepEqual(await echoed.promise, [{ kind: 'echo_reply', data: bytes('0102') }, 77]);
});

test('the connection asks an idle switch for echoes and ends with OPENFLOW_SILENT when one stays out', async () => {
  let echoes = 0;
  const peer = fakeSwitch((message, it, xid) => {
    if (message.kind === 'echo_request' && ++echoes < 3) it.send({ kind: 'echo_reply', data: message.data }, xid);
  });
  const options = { socket: peer.socket, signal: NEVER, echoIdleMs: 5, echoDeadlineMs: DEADLINE_MS };
  await using connection = await connectSwitch(options);
  assert.equal((await connection.closed)?.code, 'OPENFLOW_SILENT');
  assert.equal(echoes, 3);
});

test('setFragmentMode() fails when the switch keeps another mode', async () => {
  await using connection = await connect(
    fakeSwitch((message, peer, xid) => {
      if (message.kind === 'get_config_request')
        peer.send({ kind: 'get_config_reply', fragments: 'normal', missSendLen: 0 }, xid);
      if (message.kind === 'barrier_request') peer.send({ kind: 'barrier_reply' }, xid);
    }),
  );
  await assert.rejects(connection.setFragmentMode('nx-match'), { code: 'OPENFLOW_FRAGMENT_MODE_REFUSED' });
});

const FLOW: Flow = { table: 3, priority: 7, cookie: 0x99n, match: { in_port: { value: 4n } }, actions: [] };
const MODS = [addFlow({ ...FLOW, table: 1 }), addFlow({ ...FLOW, table: 2 }), addFlow(FLOW)];
const BAD_PREREQ: Message = {
  kind: 'error',
  type: 4,
  code: 9,
  typeName: 'OFPET_BAD_MATCH',
  codeName: 'OFPBMC_BAD_PREREQ',
  data: bytes('05'),
};
const MSG_FAILED: Message = {
  kind: 'error',
  type: 17,
  code: 13,
  typeName: 'OFPET_BUNDLE_FAILED',
  codeName: 'OFPBFC_MSG_FAILED',
  data: bytes('05'),
};
const REFUSED = {
  code: 'OPENFLOW_BUNDLE_REFUSED',
  message:
    'the switch refused a bundle of 3 changes because of number 3, add of the flow ' +
    'cookie=0x99, table=3, priority=7,in_port=4 actions=drop: OFPBMC_BAD_PREREQ (OFPET_BAD_MATCH)',
};

/** A switch that takes bundles, except where `refuse` says otherwise. */
function bundleSwitch(refuse: (message: Message, peer: FakePeer, xid: number) => boolean): FakePeer {
  return fakeSwitch((message, peer, xid) => {
    if (refuse(message, peer, xid)) return;
    if (message.kind === 'barrier_request') peer.send({ kind: 'barrier_reply' }, xid);
    if (message.kind !== 'bundle_control') return;
    const steps = {
      open_request: 'open_reply',
      commit_request: 'commit_reply',
      discard_request: 'discard_reply',
    } as const;
    const step = Object.entries(steps).find(([asked]) => asked === message.step)?.[1];
    if (step !== undefined) peer.send({ ...message, step }, xid);
  });
}

function stepsOf(peer: FakePeer): string[] {
  return peer.received.flatMap((message) => (message.kind === 'bundle_control' ? [message.step] : []));
}

test('bundle() opens, adds and commits', async () => {
  const peer = bundleSwitch(() => false);
  await using connection = await connect(peer);
  await connection.bundle(MODS);
  assert.deepEqual(stepsOf(peer), ['open_request', 'commit_request']);
  const added = peer.received.flatMap((message) => (message.kind === 'bundle_add' ? [message.message] : []));
  assert.deepEqual(added, MODS);
});

test('bundle() names the flow that was refused when it was added, and discards the rest', async () => {
  let lastXid = 0;
  const peer = bundleSwitch((message, it, xid) => {
    if (message.kind === 'bundle_add') lastXid = xid;
    if (message.kind === 'barrier_request') it.send(BAD_PREREQ, lastXid);
    return false;
  });
  await using connection = await connect(peer);
  await assert.rejects(connection.bundle(MODS), REFUSED);
  assert.deepEqual(stepsOf(peer), ['open_request', 'discard_request']);
});

test('bundle() names the flow that was refused at the commit', async () => {
  let lastXid = 0;
  const peer = bundleSwitch((message, it, xid) => {
    if (message.kind === 'bundle_add') lastXid = xid;
    if (message.kind !== 'bundle_control' || message.step !== 'commit_request') return false;
    it.send(BAD_PREREQ, lastXid);
    it.send(MSG_FAILED, xid);
    return true;
  });
  await using connection = await connect(peer);
  await assert.rejects(connection.bundle(MODS), REFUSED);
});

const UNENCODABLE: readonly (readonly [flow: Flow, begins: string, cause: object])[] = [
  [
    { ...FLOW, actions: [{ kind: 'note', bytes: new Uint8Array(70_000) }] },
    'cookie=0x99, table=3, priority=7,in_port=4 actions=note:00.00.',
    { code: 'OPENFLOW_MESSAGE_TOO_LONG' },
  ],
  [{ ...FLOW, priority: 70_000 }, 'cookie=0x99, table=3, priority=70000,in_port=4 actions=drop, has', RangeError],
];
for (const [flow, begins, cause] of UNENCODABLE) {
  test(`bundle() names the flow ${begins} when it cannot be encoded, and discards the rest`, async () => {
    const peer = bundleSwitch(() => false);
    await using connection = await connect(peer);
    await assert.rejects(connection.bundle([...MODS, addFlow(flow)]), (error) => {
      assert.ok(isTenetError(error, 'OPENFLOW_CHANGE_UNENCODABLE'));
      assert.ok(error.message.startsWith(`change 4 of 4, add of the flow ${begins}`), error.message);
      assert.throws(() => {
        throw error.cause;
      }, cause);
      assert.ok(error.message.length < 1_200);
      return true;
    });
    assert.deepEqual(stepsOf(peer), ['open_request', 'discard_request']);
  });
}

test('bundle() ends the session when the switch does not say whether it committed', async () => {
  const peer = bundleSwitch((message) => message.kind === 'bundle_control' && message.step === 'commit_request');
  await using connection = await connect(peer);
  await assert.rejects(connection.bundle(MODS, { deadlineMs: DEADLINE_MS }), { code: 'OPENFLOW_SILENT' });
  assert.equal((await connection.closed)?.code, 'OPENFLOW_SILENT');
});

test('bundle() ends with OPENFLOW_SILENT when the switch stops reading', async () => {
  const peer = bundleSwitch(() => false);
  await using connection = await connect(peer);
  const note = { kind: 'note', bytes: new Uint8Array(60_000) } as const;
  const many = Array.from({ length: 60 }, () => addFlow({ ...FLOW, actions: [note] }));
  const sending = connection.bundle(many, { deadlineMs: DEADLINE_MS });
  peer.pause();
  await assert.rejects(sending, { code: 'OPENFLOW_SILENT' });
});

test('connectSwitch() of one version offers only that', async () => {
  const peer = new FakePeer();
  peer.send({ kind: 'hello', versions: [6] }, 1, 6);
  await using _connection = await connect(peer, OPENFLOW_15);
  assert.deepEqual(peer.received[0], { kind: 'hello', versions: [6] });
});
