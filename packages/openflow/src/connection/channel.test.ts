import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteWriter, SILENT } from '@tenet/std';
import { FakePeer } from '../../testing/fake-peer.ts';
import { encodeMessage, type Message, OPENFLOW_14 } from '../index.ts';
import { Channel } from './channel.ts';

const DEADLINE_MS = 40;

interface Echo {
  readonly echoIdleMs: number;
  readonly echoDeadlineMs: number;
}

const SELDOM: Echo = { echoIdleMs: 5_000, echoDeadlineMs: 5_000 };

function channelTo(peer: FakePeer, echo = SELDOM): Channel {
  const options = { stream: peer.socket, peer: 'br0', log: SILENT, ...echo, deadlineMs: DEADLINE_MS };
  return new Channel(options, OPENFLOW_14);
}

test('a channel ends with OPENFLOW_MESSAGE_MALFORMED and the cause when a message brings about anything else', async () => {
  const peer = new FakePeer();
  const channel = channelTo(peer);
  const cause = new RangeError('Maximum call stack size exceeded');
  channel.onUnsolicited(() => {
    throw cause;
  });
  peer.send({ kind: 'hello' }, 1);
  const reason = await channel.closed;
  assert.equal(reason?.code, 'OPENFLOW_MESSAGE_MALFORMED');
  assert.equal(reason.cause, cause);
  assert.equal(peer.socket.destroyed, true);
});

test('a channel ends with OPENFLOW_SILENT, and keeps little, when the peer asks for echoes and reads none', async () => {
  const peer = new FakePeer();
  const channel = channelTo(peer);
  peer.pause();
  peer.send({ kind: 'hello' }, 1);
  const data = new Uint8Array(65_000);
  let mostBytes = 0;
  for (let xid = 0; xid < 200; xid++) {
    peer.send({ kind: 'echo_request', data }, xid);
    await new Promise(setImmediate);
    mostBytes = Math.max(mostBytes, peer.socket.writableLength);
  }
  assert.equal((await channel.closed)?.code, 'OPENFLOW_SILENT');
  assert.ok(mostBytes > 1_000_000 && mostBytes < 1_500_000, `${mostBytes} bytes waited`);
});

test('a channel goes on answering echoes when the peer reads again', async () => {
  const peer = new FakePeer();
  const channel = channelTo(peer);
  peer.pause();
  peer.send({ kind: 'hello' }, 1);
  const data = new Uint8Array(65_000);
  for (let xid = 0; xid < 40; xid++) peer.send({ kind: 'echo_request', data }, xid);
  await new Promise(setImmediate);
  peer.resume();
  while (peer.received.length < 40 && !peer.socket.destroyed) await new Promise(setImmediate);
  assert.equal(peer.socket.destroyed, false);
  channel.close();
});

test('a channel reads what comes at once in turns, so that others have theirs', async () => {
  const peer = new FakePeer();
  const channel = channelTo(peer);
  peer.send({ kind: 'hello' }, 1);
  let turn = 0;
  const turns: number[] = [];
  channel.onUnsolicited((_header, message) => {
    if (message.kind === 'other') turns.push(turn);
    return true;
  });
  const count = 10;
  for (let xid = 0; xid < count; xid++) peer.send({ kind: 'other', type: 10, body: new Uint8Array(65_000) }, xid);
  for (; turns.length < count && turn < 1_000; turn++) await new Promise(setImmediate);
  assert.equal(turns.length, count);
  assert.equal(new Set(turns).size, count, `messages came in turns ${turns}`);
  channel.close();
});

describe('a channel whose peer owes an answer', () => {
  const OFTEN: Echo = { echoIdleMs: 10, echoDeadlineMs: DEADLINE_MS };
  /** As long as other tests of the same process may keep it busy. */
  const SELDOM: Echo = { echoIdleMs: 50, echoDeadlineMs: 700 };
  const NEXT_MS = 25;
  /** Far more than idle time and deadline together. */
  const PARTS = 40;
  /** Far longer than any test runs. */
  const LONG = { what: 'dump', deadlineMs: 600_000 };
  const isBarrier = (message: Message) => (message.kind === 'barrier_reply' ? message.kind : undefined);
  const echoesTo = (peer: FakePeer) => peer.received.filter(({ kind }) => kind === 'echo_request').length;

  test('ends with OPENFLOW_SILENT, and fails everybody who waits, when no echo comes either', async () => {
    const peer = new FakePeer();
    const channel = channelTo(peer, OFTEN);
    peer.send({ kind: 'hello' }, 1);
    const waits = [1, 2].map(() => channel.request({ kind: 'barrier_request' }, { ...LONG, take: isBarrier }));
    const ends = await Promise.allSettled(waits);
    const reason = await channel.closed;
    assert.equal(reason?.message, 'the switch at br0 did not answer the echo request within 40 ms');
    assert.deepEqual(
      ends,
      waits.map(() => ({ status: 'rejected', reason })),
    );
    assert.equal(echoesTo(peer), 1);
  });

  test('waits on when the peer answers echoes', async () => {
    let owed = 0;
    const peer = new FakePeer((message, it, xid) => {
      if (message.kind === 'barrier_request') owed = xid;
      if (message.kind === 'echo_request') it.send({ kind: 'echo_reply', data: message.data }, xid);
      if (echoesTo(it) === 5) it.send({ kind: 'barrier_reply' }, owed);
    });
    const channel = channelTo(peer, OFTEN);
    const unasked: string[] = [];
    channel.onUnsolicited((_header, message) => unasked.push(message.kind) > 0);
    peer.send({ kind: 'hello' }, 99);
    assert.equal(await channel.request({ kind: 'barrier_request' }, { ...LONG, take: isBarrier }), 'barrier_reply');
    assert.deepEqual(unasked, ['hello'], "echoes are nobody else's");
    channel.close();
  });

  test('waits on while parts of an answer come, though the echo waits behind them', async () => {
    const peer = new FakePeer();
    const channel = channelTo(peer, SELDOM);
    peer.send({ kind: 'hello' }, 1);
    const xid = channel.takeXids();
    let parts = 0;
    const answer = channel.expect(xid, { ...LONG, take: () => (++parts === PARTS ? 'all' : undefined) });
    const sending = setInterval(() => peer.send({ kind: 'barrier_reply' }, xid), NEXT_MS);
    assert.equal(await answer.finally(() => clearInterval(sending)), 'all');
    channel.close();
  });

  test('waits on while the peer reads what it is sent, though it says nothing', async () => {
    const peer = new FakePeer();
    const channel = channelTo(peer, SELDOM);
    peer.send({ kind: 'hello' }, 1);
    // It takes a piece at a time, so that what is sent waits for it again and again.
    peer.pause();
    const taking = setInterval(() => {
      peer.resume();
      setImmediate(() => peer.pause());
    }, NEXT_MS);
    const w = new ByteWriter();
    const message = { kind: 'other', type: 10, body: new Uint8Array(65_000) } as const;
    encodeMessage(w, { version: OPENFLOW_14, xid: 7, message });
    const piece = new Uint8Array(w.toBytes());
    const startMs = performance.now();
    try {
      while (performance.now() - startMs < PARTS * NEXT_MS) {
        await channel.write(piece);
        await new Promise(setImmediate);
      }
    } finally {
      clearInterval(taking);
    }
    assert.equal(peer.socket.destroyed, false);
    channel.close();
  });
});
