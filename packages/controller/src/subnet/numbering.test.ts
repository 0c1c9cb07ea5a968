import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterRange } from '@tenet/model';
import { Prefix } from '@tenet/std';
import fc from 'fast-check';
import { subnetAt, subnetCount } from './numbering.ts';

const range = (cidr: string, hostBits: number): ClusterRange => ({ cidr: Prefix.parse(cidr), hostBits });

describe('subnetAt() has no subnet', () => {
  for (const n of [-1, 0.5, 256, Number.NaN]) {
    test(`number ${n} of 256`, () => assert.throws(() => subnetAt(range('10.1.0.0/16', 8), n), RangeError));
  }
});

// The order that openshift-sdn hands subnets out in, from its own tests.
// biome-ignore format: one row per line
const ORDER: readonly [cidr: string, hostBits: number, n: number, subnet: string][] = [
  ['10.1.0.0/16',  8,    0, '10.1.0.0/24'],
  ['10.1.0.0/16',  8,    1, '10.1.1.0/24'],
  ['10.1.0.0/16',  8,  255, '10.1.255.0/24'],
  ['10.1.0.0/16', 10,    0, '10.1.0.0/22'],
  ['10.1.0.0/16', 10,    1, '10.1.4.0/22'],
  ['10.1.0.0/16', 10,   63, '10.1.252.0/22'],
  ['10.1.0.0/16',  6,    0, '10.1.0.0/26'],
  ['10.1.0.0/16',  6,  255, '10.1.255.0/26'],
  ['10.1.0.0/16',  6,  256, '10.1.0.64/26'],
  ['10.1.0.0/16',  6,  511, '10.1.255.64/26'],
  ['10.1.0.0/16',  6,  512, '10.1.0.128/26'],
  ['10.1.0.0/16',  6, 1023, '10.1.255.192/26'],
  ['10.0.0.0/14', 10,    0, '10.0.0.0/22'],
  ['10.0.0.0/14', 10,    1, '10.1.0.0/22'],
  ['10.0.0.0/14', 10,    2, '10.2.0.0/22'],
  ['10.0.0.0/14', 10,    3, '10.3.0.0/22'],
  ['10.0.0.0/14', 10,    4, '10.0.4.0/22'],
  ['10.0.0.0/14', 10,    8, '10.0.8.0/22'],
  ['10.1.0.0/16', 16,    0, '10.1.0.0/16'],
  ['10.1.0.0/16', 14,    2, '10.1.128.0/18'],
];

describe('subnetAt()', () => {
  for (const [cidr, hostBits, n, subnet] of ORDER) {
    test(`gives ${subnet} as number ${n} of ${cidr} with ${hostBits} host bits`, () => {
      assert.equal(subnetAt(range(cidr, hostBits), n).toString(), subnet);
    });
  }

  test('gives each subnet of a range once', () => {
    const sizes = fc
      .tuple(fc.integer({ min: 8, max: 24 }), fc.integer({ min: 2, max: 24 }))
      .filter(([length, hostBits]) => hostBits <= 32 - length && 32 - length - hostBits <= 10);
    fc.assert(
      fc.property(sizes, ([length, hostBits]) => {
        const all = { cidr: Prefix.parseLoose(`10.1.2.0/${length}`), hostBits };
        const count = subnetCount(all);
        const given = new Set(Array.from({ length: count }, (_, n) => subnetAt(all, n)).map(String));
        assert.equal(given.size, count);
        assert.equal(BigInt(count) << BigInt(hostBits), all.cidr.size);
        for (const subnet of given) assert(all.cidr.contains(Prefix.parse(subnet).address));
      }),
      { numRuns: 50 },
    );
  });
});

test('subnetCount() has no more than 24 bits', () => {
  assert.equal(subnetCount(range('0.0.0.0/0', 2)), 2 ** 24);
  assert.equal(subnetCount(range('10.0.0.0/8', 2)), 2 ** 22);
});
