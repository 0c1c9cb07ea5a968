import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT } from '@tenet/std';
import { FakePeer } from '../../testing/fake-peer.ts';
import { OPENFLOW_14 } from '../index.ts';
import { Channel } from './channel.ts';

const DEADLINE_MS = 40;

function channelTo(peer: FakePeer): Channel {
  const options = { stream: peer.socket, peer: 'br0', log: SILENT, echoIdleMs: 5_000, deadlineMs: DEADLINE_MS };
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
