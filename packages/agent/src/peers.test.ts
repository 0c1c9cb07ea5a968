import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HostSubnet } from '@tenet/model';
import { ARTICLE_NODE } from '@tenet/pipeline';
import { Ip, Prefix } from '@tenet/std';
import fc from 'fast-check';
import { ownerId } from './owner-id.ts';
import { peersOf } from './peers.ts';

const NODE = ARTICLE_NODE.node;

function hostSubnet(name: string, hostIp: string, subnet: string, createdAt = '2026-01-02T00:00:00Z'): HostSubnet {
  return {
    name,
    uid: `${name}-uid`,
    createdAt,
    hostIp: Ip.parse(hostIp),
    subnet: Prefix.parse(subnet),
    assignSubnet: false,
  };
}

function clash(one: HostSubnet, other: HostSubnet): boolean {
  if (one.subnet === undefined || other.subnet === undefined) return false;
  return one.hostIp.equals(other.hostIp) || one.subnet.overlaps(other.subnet);
}

describe('peersOf()', () => {
  const good = hostSubnet('dt-node2', '10.122.70.73', '10.130.0.0/23');
  const REFUSED = [
    { name: "this node's address", other: hostSubnet('x', '10.122.70.72', '10.130.2.0/23'), problem: /is this node's/ },
    {
      name: "this node's subnet",
      other: hostSubnet('x', '10.122.70.74', '10.131.0.0/16'),
      problem: /overlaps this node's/,
    },
    {
      name: 'a subnet outside the cluster network',
      other: hostSubnet('x', '10.122.70.74', '10.120.0.0/23'),
      problem: /outside the cluster network/,
    },
    {
      name: 'an address inside the cluster network',
      other: hostSubnet('x', '10.128.0.1', '10.130.2.0/23'),
      problem: /inside the cluster or service network/,
    },
    {
      name: "another peer's address",
      other: hostSubnet('x', '10.122.70.73', '10.130.2.0/23'),
      problem: /claimed by HostSubnet dt-node2/,
    },
    {
      name: "part of another peer's subnet",
      other: hostSubnet('x', '10.122.70.74', '10.130.1.0/24'),
      problem: /claimed by HostSubnet dt-node2/,
    },
  ];
  for (const { name, other, problem } of REFUSED) {
    test(`leaves out a HostSubnet that claims ${name}, and keeps the rest`, () => {
      const { peers, refused } = peersOf('dt-infra1', NODE, [other, good]);
      assert.deepEqual(
        peers.map(({ hostIp }) => String(hostIp)),
        ['10.122.70.73'],
      );
      assert.equal(refused.length, 1);
      assert.match(refused[0]?.problem ?? '', problem);
    });
  }

  test('keeps the older of two that claim the same, whatever their names', () => {
    const older = hostSubnet('zz', '10.122.70.73', '10.130.0.0/23', '2026-01-01T00:00:00Z');
    const younger = hostSubnet('aa', '10.122.70.99', '10.130.0.0/23', '2026-01-03T00:00:00Z');
    const { peers, refused } = peersOf('dt-infra1', NODE, [younger, older]);
    assert.deepEqual(
      peers.map(({ hostIp }) => String(hostIp)),
      ['10.122.70.73'],
    );
    assert.deepEqual(
      refused.map(({ name }) => name),
      ['aa'],
    );
  });

  test('finds every claim that overlaps an older one, of whatever lengths', () => {
    const claim = fc.record({ at: fc.nat(63), length: fc.integer({ min: 18, max: 24 }), ip: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 30 }), (list) => {
        const claims = list.map(({ at, length, ip }, age) => {
          const block = Math.floor((at << 2) / 2 ** (24 - length)) * 2 ** (24 - length);
          const second = String(age).padStart(2, '0');
          return hostSubnet(`n${age}`, `192.0.2.${ip}`, `10.130.${block}.0/${length}`, `2026-01-01T00:00:${second}Z`);
        });
        const byAge: HostSubnet[] = [];
        for (const next of claims) if (!byAge.some((older) => clash(older, next))) byAge.push(next);
        const { peers, refused } = peersOf('dt-infra1', NODE, claims);
        const kept = claims.filter(({ name }) => !refused.some((other) => other.name === name));
        assert.deepEqual(
          kept.map(({ name }) => name),
          byAge.map(({ name }) => name),
        );
        assert.equal(peers.length, kept.length);
      }),
    );
  });

  test('is every other node with a subnet, whatever their order', () => {
    const own = hostSubnet('dt-infra1', '10.122.70.72', '10.131.2.0/23');
    const { peers, refused } = peersOf('dt-infra1', NODE, [good, own]);
    assert.deepEqual(refused, []);
    assert.deepEqual(peers, [{ id: ownerId('dt-node2-uid'), hostIp: good.hostIp, subnet: good.subnet }]);
  });
});

describe('ownerId()', () => {
  test('is the first four bytes of SHA-256 of the UID', () => {
    assert.equal(ownerId('node1UID'), 0x0f46ee1a);
  });
});
