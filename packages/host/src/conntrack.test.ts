import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import { type TestContext, test } from 'node:test';
import { Ip, isTenetError, toHex } from '@tenet/std';
import { deleteConntrack, listConntrack } from './conntrack.ts';
import { encodeConntrackFilter } from './conntrack-entry.ts';
import { kernelError } from './errors.ts';
import { LITTLE_ENDIAN } from './netlink/bytes.ts';
import { NetlinkSocket } from './netlink/socket.ts';

const [POD, OTHER, POD6] = ['10.131.2.5', '10.131.2.6', 'fd00::5'].map(Ip.parse) as [Ip, Ip, Ip];

const NONE = [
  { name: 'no address', filter: { protocol: 17, zone: 0 } },
  { name: 'an address of IPv6', filter: { originalSource: POD6 } },
  { name: 'addresses of both families', filter: { originalSource: POD, replySource: POD6 } },
  { name: 'a family alone', filter: { family: 4 as const } },
  { name: 'a protocol of IPv6', filter: { family: 6 as const, protocol: 17 } },
];
for (const { name, filter } of NONE)
  test(`encodeConntrackFilter() has no words when there is ${name}, since without any the kernel would delete all`, () => {
    assert.equal(encodeConntrackFilter(filter), undefined);
  });

const WORDS = [
  {
    filter: { originalSource: POD },
    // nfgenmsg; CTA_TUPLE_ORIG { CTA_TUPLE_IP { source } }; CTA_FILTER { original: source }
    wire: '02000000 1000 0180 0c00 0180 0800 0100 0a830205 0c00 1980 0800 0100 01000000',
  },
  {
    filter: { originalDestination: OTHER, replySource: POD },
    wire:
      '02000000 1000 0180 0c00 0180 0800 0200 0a830206 1000 0280 0c00 0180 0800 0100 0a830205 ' +
      '1400 1980 0800 0100 02000000 0800 0200 01000000',
  },
  {
    filter: { family: 4 as const, protocol: 17, originalDestinationPort: 53 },
    // CTA_TUPLE_ORIG { CTA_TUPLE_PROTO { number, destination port } }; CTA_FILTER { original: both }
    wire: '02000000 1800 0180 1400 0280 0500 0100 11000000 0600 0300 00350000 0c00 1980 0800 0100 28000000',
  },
];
for (const { filter, wire } of WORDS)
  test(`encodeConntrackFilter() names ${Object.keys(filter).join(' and ')}`, {
    skip: !LITTLE_ENDIAN && 'written for little-endian',
  }, () => {
    assert.equal((encodeConntrackFilter(filter) ?? []).map(toHex).join(''), wire.replaceAll(' ', ''));
  });

const MISSING = [
  { name: 'no netlink of netfilter', errno: constants.errno.EPROTONOSUPPORT, method: 'open' },
  { name: 'no connection tracking', errno: constants.errno.EINVAL, method: 'send' },
] as const;
for (const { name, errno, method } of MISSING)
  test(`listConntrack() and deleteConntrack() find nothing in a kernel with ${name}`, (t) => {
    countIs(t, undefined);
    refuse(t, method, errno);
    assert.deepEqual(listConntrack({ originalSource: POD }), []);
    deleteConntrack({ originalSource: POD });
  });

test('deleteConntrack() fails when connections are tracked but cannot be reached', (t) => {
  countIs(t, '7');
  refuse(t, 'send', constants.errno.EINVAL);
  assert.throws(
    () => deleteConntrack({ originalSource: POD }),
    (error) => isTenetError(error, 'KERNEL_REFUSED'),
  );
});

/** What the kernel says of the number of its entries. */
function countIs(t: TestContext, count: string | undefined): void {
  const { readFileSync } = fs;
  t.mock.method(fs, 'readFileSync', (path: string, ...rest: never[]) => {
    if (path !== '/proc/sys/net/netfilter/nf_conntrack_count') return readFileSync(path, ...rest);
    if (count === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return `${count}\n`;
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

function refuse(t: TestContext, method: 'open' | 'send', errno: number): void {
  const refusal = () => {
    throw kernelError('reach netfilter', errno);
  };
  if (method === 'open') t.mock.method(NetlinkSocket, 'open', refusal);
  else for (const each of ['dump', 'change'] as const) t.mock.method(NetlinkSocket.prototype, each, refusal);
}
