import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { libc } from '../native.ts';
import { NETLINK } from './constants.ts';
import { NetlinkSocket } from './socket.ts';

const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
/** `struct ifinfomsg` that asks for link 1, which is lo in every namespace. */
const IFINFOMSG = Uint8Array.of(0, 0, 0, 0, 1, ...Array(11).fill(0));
const request = { operation: 'look at lo', type: RTM_GETLINK, body: [IFINFOMSG] };

test('NetlinkSocket.open() leaves nothing open when an option cannot be set', (t) => {
  const openFiles = () => readdirSync('/proc/self/fd').length;
  t.mock.method(libc(), 'setsockopt', () => -1);
  const before = openFiles();
  for (let i = 0; i < 5; i++)
    assert.throws(() => NetlinkSocket.open(NETLINK.ROUTE), /set an option of a netlink socket/);
  assert.equal(openFiles(), before);
});

test('NetlinkSocket goes on waiting when a signal interrupts it', (t) => {
  using socket = NetlinkSocket.open(NETLINK.ROUTE);
  const recv = t.mock.method(libc(), 'recv');
  recv.mock.mockImplementationOnce(() => -1, 0);
  t.mock.method(libc(), 'errno').mock.mockImplementationOnce(() => constants.errno.EINTR, 0);
  assert.ok(socket.get(request).body.length > 16);
  // The interruption, the answer and the acknowledgement.
  assert.equal(recv.mock.callCount(), 3);
});

test('NetlinkSocket refuses an answer that did not fit', (t) => {
  using socket = NetlinkSocket.open(NETLINK.ROUTE);
  t.mock.method(libc(), 'recv', () => 70_000);
  assert.throws(
    () => socket.get(request),
    (error) => isTenetError(error, 'NETLINK_MALFORMED') && /70000 bytes in one datagram/.test(error.message),
  );
});

test('NetlinkSocket.changeAll() makes every change, and gives an error for each that was refused', () => {
  using socket = NetlinkSocket.open(NETLINK.ROUTE);
  // A link that is not there cannot be deleted: more of them than fit into one datagram.
  const nowhere = Uint8Array.from(IFINFOMSG);
  nowhere.set([0xff, 0xff, 0xff, 0x7f], 4);
  const bodies = Array.from({ length: 150 }, () => [nowhere]);
  const refused = socket.changeAll({ operation: 'delete a link that is not there', type: RTM_DELLINK, bodies });
  assert.equal(refused.length, 150);
  for (const error of refused) assert.match(error.message, /cannot delete a link that is not there: ENODEV/);
  assert.deepEqual(socket.changeAll({ operation: 'do nothing', type: RTM_DELLINK, bodies: [] }), []);
  // The answers were all read: the next question gets its own.
  assert.ok(socket.get(request).body.length > 16);
});
