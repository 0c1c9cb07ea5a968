import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ip, toHex } from '@tenet/std';
import { type ConntrackEntry, conntrackMatches } from './conntrack-entry.ts';
import { linkNameBytes } from './link-name.ts';
import { inNamespace } from './namespace/in-namespace.ts';
import { LITTLE_ENDIAN } from './netlink/bytes.ts';
import { packetAddress, socketAddress } from './socket-address.ts';
import { type SysctlKey, sysctlPath } from './sysctl.ts';

const BAD_KEYS: readonly SysctlKey[] = ['net.', 'net..x', 'net.ipv4.//.x', 'net.ipv4./.x'];
for (const key of BAD_KEYS)
  test(`sysctlPath() refuses ${key}`, () => {
    assert.throws(() => sysctlPath(key), RangeError);
  });

test('sysctlPath() writes dots as directories, and slashes as dots of a name', () => {
  assert.equal(sysctlPath('net.ipv4.ip_forward'), '/proc/sys/net/ipv4/ip_forward');
  assert.equal(sysctlPath('net.ipv4.conf.eth0/100.rp_filter'), '/proc/sys/net/ipv4/conf/eth0.100/rp_filter');
});

for (const name of ['', 'sixteen-bytes-xx'])
  test(`linkNameBytes() refuses ${JSON.stringify(name)}`, () => {
    assert.throws(() => linkNameBytes(name), RangeError);
  });

test('linkNameBytes() ends a name of 15 bytes with a zero', () => {
  assert.equal(toHex(linkNameBytes('fifteen-bytes-x')), '6669667465656e2d62797465732d7800');
});

for (const port of [-1, 65_536, 1.5])
  test(`socketAddress() refuses port ${port}`, () => {
    assert.throws(() => socketAddress(Ip.parse('10.0.0.1'), port), RangeError);
  });

test('socketAddress() has the layout of the C structs', { skip: !LITTLE_ENDIAN && 'written for little-endian' }, () => {
  assert.equal(toHex(socketAddress(Ip.parse('10.0.0.1'), 8080)), `02001f900a000001${'00'.repeat(8)}`);
  assert.equal(toHex(socketAddress(Ip.parse('::1'), 53)), `0a00003500000000${'00'.repeat(15)}0100000000`);
  assert.equal(toHex(packetAddress(5, 3)), `1100000305000000${'00'.repeat(12)}`);
});

test('conntrackMatches() wants all that is given', () => {
  const [pod, service, backend] = ['10.128.0.5', '172.30.0.1', '10.129.0.7'].map(Ip.parse) as [Ip, Ip, Ip];
  const entry: ConntrackEntry = {
    original: { source: pod, destination: service, protocol: 6 },
    reply: { source: backend, destination: pod, protocol: 6 },
    zone: 7,
  };
  // biome-ignore format: one row per filter
  const rows = [
    { filter: {}, is: true },
    { filter: { originalSource: pod, originalDestination: service, replySource: backend, protocol: 6, zone: 7 }, is: true },
    { filter: { originalSource: service }, is: false },
    { filter: { originalDestination: pod }, is: false },
    { filter: { replySource: service }, is: false },
    { filter: { replySource: backend, protocol: 17 }, is: false },
    { filter: { zone: 0 }, is: false },
  ];
  for (const { filter, is } of rows) assert.equal(conntrackMatches(entry, filter), is, JSON.stringify(filter));
});

test('inNamespace() takes synchronous functions only, by type', () => {
  const never = (): void => {
    const length: number = inNamespace('/run/netns/x', () => 'abc'.length);
    // @ts-expect-error an async function would go on outside of the namespace
    inNamespace('/run/netns/x', async () => length);
    // @ts-expect-error so would the promise of another one
    inNamespace('/run/netns/x', () => Promise.resolve(length));
    // @ts-expect-error and an asynchronous generator
    inNamespace('/run/netns/x', async function* () {
      yield length;
    });
  };
  assert.equal(typeof never, 'function');
});
