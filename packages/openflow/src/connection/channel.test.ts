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
  peer.send({ kind: 'barrier_reply' }, 1);
  const reason = await channel.closed;
  assert.equal(reason?.code, 'OPENFLOW_MESSAGE_MALFORMED');
  assert.equal(reason.cause, cause);
  assert.equal(peer.socket.destroyed, true);
});
