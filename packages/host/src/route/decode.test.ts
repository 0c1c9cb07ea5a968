import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, Ip, Mac, Prefix, toHex } from '@tenet/std';
import { decodeConntrack, encodeConntrackDeletion } from '../conntrack-entry.ts';
import { joined, LITTLE_ENDIAN } from '../netlink/bytes.ts';
import { decodeAddress } from './addresses.ts';
import { decodeLink, encodeLinkChange, encodeVeth } from './links.ts';
import { decodeNeighbour } from './neighbours.ts';
import { decodeRoute, encodeRoute, encodeRouteDeletion } from './routes.ts';
import { decodeRule, encodeRule } from './rules.ts';

/**
 * Message bodies captured from Linux 6.18 on x86-64 in a namespace with a veth end `eth0` (index 2), an address and two
 * routes; of the link, attributes that nobody reads (counters, queues) were cut out.
 */
const CAPTURED = {
  link:
    '00000100 02000000 43100100 00000000 09000300 65746830 00000000 08000400 dc050000 0a000100 0a580a80 00050000 ' +
    '10001200 09000100 76657468 00000000 08002500 00000000 08000500 02000000',
  address:
    '02178000 02000000 08000100 0a800005 08000200 0a800005 09000300 65746830 00000000 08000800 80020000 ' +
    '14000600 ffffffff ffffffff 47b50300 47b50300',
  route:
    '020e0000 fe04fd01 00000000 08000f00 fe000000 08000100 0a800000 08000600 07000000 0c000800 08000200 78050000 ' +
    '08000700 0a800005 08000400 02000000',
  multipath:
    '02100000 fe030001 00000000 08000f00 fe000000 08000100 ac1e0000 24000900 ' +
    '10000400 02000000 08000500 0a800009 10000402 02000000 08000500 0a80000a',
  neighbour:
    '02000000 02000000 80000001 08000100 0a800001 0a000200 0a580a80 00010000 08000400 00000000 ' +
    '14000300 02000000 02000000 02000000 00000000',
  rule:
    '02000e00 fc000001 00000000 08000f00 e8030000 08000e00 ffffffff 05001500 00000000 09000300 65746830 00000000 ' +
    '08000600 64000000 08000a00 01000000 08001000 01000000 08000200 0a800000',
  conntrack:
    '02000000 34000180 14000180 08000100 0a800001 08000200 0a800005 1c000280 05000100 11000000 06000200 e8930000 ' +
    '06000300 270f0000 34000280 14000180 08000100 0a800005 08000200 0a800001 1c000280 05000100 11000000 ' +
    '06000200 270f0000 06000300 e8930000 08000300 00000008 08000800 00000000 08000c00 c4d8c54d 08000b00 00000001 ' +
    '08000700 0000001d',
};

const nameOf = (index: number) => `link${index}`;

describe('what the kernel sent', { skip: !LITTLE_ENDIAN && 'the captures are little-endian' }, () => {
  // biome-ignore format: one row per message
  const rows = [
    { name: 'decodeLink()', got: decodeLink(fromHex(CAPTURED.link)),
      is: { index: 2, name: 'eth0', kind: 'veth', mac: '0a:58:0a:80:00:05', mtu: 1500, up: true, running: true, peerIndex: 2, peerNamespaceId: 0 } },
    { name: 'decodeAddress()', got: decodeAddress(fromHex(CAPTURED.address)),
      is: { linkIndex: 2, address: '10.128.0.5', prefixLength: 23, noPrefixRoute: true } },
    { name: 'decodeRoute()', got: decodeRoute(fromHex(CAPTURED.route), nameOf),
      is: { destination: '10.128.0.0/14', link: 'link2', scope: 'link', table: 254, protocol: 4, metric: 7, source: '10.128.0.5', mtu: 1400, type: 'unicast' } },
    { name: 'decodeRoute() with several hops', got: decodeRoute(fromHex(CAPTURED.multipath), nameOf),
      is: { destination: '172.30.0.0/16', nextHops: [{ link: 'link2', gateway: '10.128.0.9', weight: 1 }, { link: 'link2', gateway: '10.128.0.10', weight: 3 }], scope: 'global', table: 254, protocol: 3, type: 'unicast' } },
    { name: 'decodeNeighbour()', got: decodeNeighbour(fromHex(CAPTURED.neighbour)),
      is: { linkIndex: 2, address: '10.128.0.1', mac: '0a:58:0a:80:00:01', state: 'permanent' } },
    { name: 'decodeRule()', got: decodeRule(fromHex(CAPTURED.rule)),
      is: { family: 4, priority: 100, action: 'table', table: 1000, from: '10.128.0.0/14', inputLink: 'eth0', mark: 1, mask: 1, protocol: 0 } },
    { name: 'decodeConntrack()', got: decodeConntrack(fromHex(CAPTURED.conntrack)),
      is: { original: { source: '10.128.0.1', destination: '10.128.0.5', protocol: 17, sourcePort: 59539, destinationPort: 9999 },
            reply: { source: '10.128.0.5', destination: '10.128.0.1', protocol: 17, sourcePort: 9999, destinationPort: 59539 }, zone: 0 } },
  ];
  for (const { name, got, is } of rows)
    test(`${name} reads a captured message`, () => {
      assert.deepEqual(JSON.parse(JSON.stringify(got)), is);
    });

  test('encodeRoute() writes a route that decodeRoute() reads as the same', () => {
    const route = decodeRoute(fromHex(CAPTURED.route), nameOf);
    assert.deepEqual(decodeRoute(joined(encodeRoute(route, 2)), nameOf), route);
  });

  test('encodeRule() writes a rule that decodeRule() reads as the same', () => {
    const rule = decodeRule(fromHex(CAPTURED.rule));
    assert.deepEqual(decodeRule(joined(encodeRule(rule))), rule);
  });

  test('encodeConntrackDeletion() names the tuple and the id of the connection', () => {
    const body = joined(encodeConntrackDeletion(fromHex(CAPTURED.conntrack)));
    assert.deepEqual(decodeConntrack(body), undefined, 'it has no reply tuple');
    assert.equal(toHex(body.subarray(-8)), '08000c00c4d8c54d');
    assert.ok(toHex(body).startsWith('0200000034000180'));
  });

  test('encodeVeth() puts the peer, with its own header, into the settings of the kind', () => {
    const wire = toHex(joined(encodeVeth({ name: 'a' }, { name: 'b', namespaceFd: 9 })));
    const peer = `${'00'.repeat(16)}0600030062000000${'08001c0009000000'}`;
    const settings = `24000180${peer}`;
    assert.ok(wire.endsWith(settings), wire);
    assert.ok(wire.includes('0900010076657468'), 'the kind is veth');
  });

  test('encodeLinkChange() leaves the flags alone when up is not given', () => {
    const [header] = encodeLinkChange(7, { mtu: 1450 });
    assert.equal(toHex(header ?? new Uint8Array()), '00000000070000000000000000000000');
    const [up] = encodeLinkChange(7, { up: false });
    assert.equal(toHex(up ?? new Uint8Array()), '00000000070000000000000001000000');
  });
});

test('encodeRoute() chooses the scope that fits the route', () => {
  const destination = Prefix.parse('10.0.0.0/8');
  const scopeOf = (route: Parameters<typeof encodeRoute>[0]) =>
    decodeRoute(joined(encodeRoute(route, 2)), nameOf).scope;
  assert.equal(scopeOf({ destination }), 'link');
  assert.equal(scopeOf({ destination, gateway: Ip.parse('10.0.0.1') }), 'global');
  assert.equal(scopeOf({ destination, type: 'local' }), 'host');
  assert.equal(scopeOf({ destination, type: 'unreachable' }), 'global');
  assert.equal(scopeOf({ destination: Prefix.parse('fd00::/8') }), 'global');
});

test('encodeRoute() keeps a gateway of the other family (RFC 8950)', () => {
  const gateway = Ip.parse('fe80::1');
  const route = decodeRoute(joined(encodeRoute({ destination: Prefix.parse('0.0.0.0/0'), gateway }, 2)), nameOf);
  assert.equal(String(route.gateway), 'fe80::1');
  assert.equal(String(route.destination), '0.0.0.0/0');
});

test('encodeRouteDeletion() matches any scope, type and maker when none is given', () => {
  const destination = Prefix.parse('10.0.0.0/8');
  const { scope, type, protocol } = decodeRoute(joined(encodeRouteDeletion({ destination }, undefined)), nameOf);
  assert.deepEqual({ scope, type, protocol }, { scope: 'nowhere', type: 'unspec', protocol: 0 });
});

test('decodeLink() gives no MAC when the address is not one of Ethernet', () => {
  const [header, mac] = encodeLinkChange(1, { mac: Mac.BROADCAST });
  assert.equal(
    String(decodeLink(joined([header ?? new Uint8Array(), mac ?? new Uint8Array()])).mac),
    'ff:ff:ff:ff:ff:ff',
  );
  assert.equal(decodeLink(new Uint8Array(16)).mac, undefined);
});
