import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT } from '@tenet/std';
import { type Answer, fakeSwitch } from '../../testing/fake-peer.ts';
import { addFlow, addGroup, type BundledMessage, type Flow, type Message, OPENFLOW_14 } from '../index.ts';
import { Channel } from './channel.ts';
import { connectSwitch } from './connect-switch.ts';
import { SwitchConnection } from './switch-connection.ts';

const FLOW: Flow = { table: 3, priority: 7, cookie: 0x99n, match: { in_port: { value: 4n } }, actions: [] };
const BAD_LEN: Message = {
  kind: 'error',
  type: 1,
  code: 6,
  typeName: 'OFPET_BAD_REQUEST',
  codeName: 'OFPBRC_BAD_LEN',
  data: new Uint8Array(0),
};

function connect(answer: Answer): Promise<SwitchConnection> {
  return connectSwitch({ socket: fakeSwitch(answer).socket, signal: new AbortController().signal, deadlineMs: 1_000 });
}

const NAMES: readonly (readonly [mod: BundledMessage, name: string])[] = [
  [addFlow(FLOW), 'add of the flow cookie=0x99, table=3, priority=7,in_port=4 actions=drop'],
  [addGroup({ id: 7, type: 'all', buckets: [] }), 'add of group 7'],
];
for (const [mod, name] of NAMES) {
  test(`apply() of a refused ${mod.kind} names it`, async () => {
    await using connection = await connect((message, peer, xid) => {
      peer.send(message.kind === 'barrier_request' ? { kind: 'barrier_reply' } : BAD_LEN, xid);
    });
    await assert.rejects(connection.apply(mod), {
      code: 'OPENFLOW_REFUSED',
      message: `the switch refused the ${name}: OFPBRC_BAD_LEN (OFPET_BAD_REQUEST)`,
    });
  });
}

test('dumpGroups() fails with OPENFLOW_REPLY_ENDLESS when parts never end', async () => {
  const entries = [1, 2, 3].map((id) => ({ id, type: 'all', buckets: [] }) as const);
  const peer = fakeSwitch((_message, it, xid) => {
    for (let part = 0; part < 4; part++) {
      it.send({ kind: 'multipart_reply', type: 'group_desc', more: true, entries }, xid);
    }
  });
  const options = {
    stream: peer.socket,
    peer: 'br0',
    log: SILENT,
    echoIdleMs: 1_000,
    echoDeadlineMs: 1_000,
    deadlineMs: 1_000,
  };
  await using connection = new SwitchConnection(new Channel(options, OPENFLOW_14), 10);
  peer.send({ kind: 'hello' }, 0);
  await assert.rejects(connection.dumpGroups(), {
    code: 'OPENFLOW_REPLY_ENDLESS',
    message: 'the switch answered the group_desc request with more than 10 entries',
  });
});
