import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ip, Prefix } from '@tenet/std';
import fc from 'fast-check';
import { ZOO_NODE } from '../../testing/port-zoo.ts';
import { isServiceChain, nodePortDestinations, ownChains } from './own-chains.ts';

const DESTINATIONS = [
  { addresses: [], to: ['! -d 127.0.0.0/8 '] },
  { addresses: ['10.0.0.0/8', '0.0.0.0/0'], to: ['! -d 127.0.0.0/8 '] },
  { addresses: ['10.0.0.0/8', '192.0.2.1/32'], to: ['-d 10.0.0.0/8 ', '-d 192.0.2.1/32 '] },
  { addresses: ['127.0.0.0/8', '127.0.0.1/32'], to: [] },
  { addresses: ['2001:db8::/32'], to: [] },
  { addresses: ['126.0.0.0/7'], to: ['-d 126.0.0.0/8 '] },
  { addresses: ['124.0.0.0/6', '126.0.0.0/8'], to: ['-d 124.0.0.0/7 ', '-d 126.0.0.0/8 '] },
];

for (const { addresses, to } of DESTINATIONS)
  test(`nodePortDestinations() gives ${to.length} prefixes when node ports are open at ${addresses.join() || 'all'}`, () => {
    const nodePortAddresses = addresses.map((text) => Prefix.parse(text));
    assert.deepEqual(nodePortDestinations({ ...ZOO_NODE, nodePortAddresses }), to);
  });

test('nodePortDestinations() holds every address of a prefix but the loopback, whatever the prefix', () => {
  const loopback = Prefix.parse('127.0.0.0/8');
  const address = fc.oneof(
    fc.nat({ max: 2 ** 32 - 1 }),
    fc.nat({ max: 2 ** 24 - 1 }).map((host) => 127 * 2 ** 24 + host),
  );
  fc.assert(
    fc.property(address, fc.integer({ min: 1, max: 32 }), address, (at, length, asked) => {
      const prefix = Prefix.of(Ip.of(4, BigInt(at)), length);
      const ip = Ip.of(4, BigInt(asked));
      const parts = nodePortDestinations({ ...ZOO_NODE, nodePortAddresses: [prefix] });
      const isOpen = parts.some((part) => Prefix.parse(part.slice('-d '.length).trim()).contains(ip));
      assert.equal(isOpen, prefix.contains(ip) && !loopback.contains(ip));
    }),
  );
});

test("ownChains() leaves a kubelet's chains to it", () => {
  for (const table of ['nat', 'filter'] as const)
    for (const chain of ['KUBE-FIREWALL', 'KUBE-KUBELET-CANARY', 'KUBE-PROXY-CANARY', 'KUBE-MARK-DROP']) {
      const { constant, dispatch } = ownChains(ZOO_NODE)[table];
      assert.equal(constant.has(chain) || dispatch.has(chain) || isServiceChain(table, chain), false, chain);
    }
});
