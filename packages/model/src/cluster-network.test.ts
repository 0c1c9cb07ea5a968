import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError, Prefix } from '@tenet/std';
import fc from 'fast-check';
import { type ClusterRange, parseClusterNetwork } from './cluster-network.ts';
import type { ClusterNetworkObject } from './objects.ts';

const GOOD: ClusterNetworkObject = {
  metadata: { name: 'default' },
  serviceNetwork: '172.30.0.0/16',
  pluginName: 'redhat/openshift-ovs-multitenant',
  clusterNetworks: [{ CIDR: '10.128.0.0/14', hostSubnetLength: 9 }],
};

/** The good one with other ranges. */
const ranges = (...entries: readonly [cidr: string, hostBits: number][]): Partial<ClusterNetworkObject> => ({
  clusterNetworks: entries.map(([CIDR, hostSubnetLength]) => ({ CIDR, hostSubnetLength })),
});

/** A legacy object: no list, one pair. */
const legacy = (network: string, hostsubnetlength?: number): Partial<ClusterNetworkObject> => ({
  clusterNetworks: [],
  network,
  ...(hostsubnetlength === undefined ? {} : { hostsubnetlength }),
});

// biome-ignore format: one row per line
const INVALID: readonly [why: string, change: Partial<ClusterNetworkObject>, field: string, says: RegExp][] = [
  ['the single-tenant plugin',        { pluginName: 'redhat/openshift-ovs-subnet' },        'pluginName', /"redhat\/openshift-ovs-subnet" is not supported, only redhat\/openshift-ovs-multitenant is$/],
  ['the policy plugin',               { pluginName: 'redhat/openshift-ovs-networkpolicy' }, 'pluginName', /"redhat\/openshift-ovs-networkpolicy" is not supported, only redhat\/openshift-ovs-multitenant is$/],
  ['no service network',              { serviceNetwork: '' },                               'serviceNetwork', /is missing/],
  ['a service network with host bits', { serviceNetwork: '172.30.0.1/16' },                 'serviceNetwork', /172\.30\.0\.0\/16/],
  ['an IPv6 service network',         { serviceNetwork: 'fd00::/112' },                     'serviceNetwork', /IPv6, which is not supported yet/],
  ['no range at all',                 { clusterNetworks: [] },                              'clusterNetworks', /is empty and there is no legacy network/],
  ['a range with host bits',          ranges(['10.128.0.1/14', 9]),                         'clusterNetworks[0].CIDR', /10\.128\.0\.0\/14/],
  ['a range that is no prefix',       ranges(['10.128.0.0', 9]),                            'clusterNetworks[0].CIDR', /is wrong/],
  ['an IPv6 range',                   ranges(['10.128.0.0/14', 9], ['fd01::/48', 64]),      'clusterNetworks[1].CIDR', /IPv6, which is not supported yet/],
  ['a range of two addresses',        ranges(['10.128.0.0/31', 1]),                         'clusterNetworks[0]', /10\.128\.0\.0\/31 has no room for a subnet with a gateway and a pod/],
  ['a range of one address',          ranges(['10.128.0.0/32', 0]),                         'clusterNetworks[0]', /has no room for a subnet/],
  ['a range of this network',         ranges(['0.0.0.0/16', 9]),                            'clusterNetworks[0].CIDR', /0\.0\.0\.0\/16 overlaps 0\.0\.0\.0\/8, which is this network/],
  ['a range around loopback',         ranges(['126.0.0.0/7', 9]),                           'clusterNetworks[0].CIDR', /overlaps 127\.0\.0\.0\/8, which is loopback/],
  ['a multicast range',               ranges(['239.0.0.0/16', 9]),                          'clusterNetworks[0].CIDR', /which is multicast/],
  ['a range of class E',              ranges(['250.0.0.0/8', 9]),                           'clusterNetworks[0].CIDR', /which is class E and broadcast/],
  ['everything',                      ranges(['0.0.0.0/0', 9]),                             'clusterNetworks[0].CIDR', /overlaps 0\.0\.0\.0\/8/],
  ['a loopback service network',      { serviceNetwork: '127.1.0.0/16' },                   'serviceNetwork', /which is loopback/],
  ['a multicast legacy network',      legacy('224.0.0.0/8', 9),                             'network', /which is multicast/],
  ['no host bits',                    ranges(['10.128.0.0/14', 0]),                         'clusterNetworks[0].hostSubnetLength', /between 2 and 18/],
  ['one host bit',                    ranges(['10.128.0.0/14', 1]),                         'clusterNetworks[0].hostSubnetLength', /between 2 and 18/],
  ['more host bits than the range',   ranges(['10.128.0.0/14', 19]),                        'clusterNetworks[0].hostSubnetLength', /between 2 and 18/],
  ['half a host bit',                 ranges(['10.128.0.0/14', 8.5]),                       'clusterNetworks[0].hostSubnetLength', /between 2 and 18/],
  ['a range inside another',          ranges(['10.128.0.0/14', 9], ['10.130.0.0/16', 9]),   'clusterNetworks[1]', /10\.130\.0\.0\/16 overlaps 10\.128\.0\.0\/14/],
  ['a range around another',          ranges(['10.130.0.0/16', 9], ['10.128.0.0/14', 9]),   'clusterNetworks[1]', /overlaps 10\.130\.0\.0\/16/],
  ['the same range twice',            ranges(['10.128.0.0/14', 9], ['10.128.0.0/14', 8]),   'clusterNetworks[1]', /overlaps 10\.128\.0\.0\/14/],
  ['a range around the services',     ranges(['172.16.0.0/12', 9]),                         'clusterNetworks[0]', /overlaps the service network 172\.30\.0\.0\/16/],
  ['a range inside the services',     ranges(['172.30.8.0/22', 8]),                         'clusterNetworks[0]', /overlaps the service network/],
  ['another legacy network',          { network: '10.0.0.0/14', hostsubnetlength: 9 },      'network', /differs from the first entry/],
  ['other legacy host bits',          { network: '10.128.0.0/14', hostsubnetlength: 8 },    'hostsubnetlength', /differs from the first entry/],
  ['half a legacy pair',              { network: '10.128.0.0/14' },                         'hostsubnetlength', /differs from the first entry/],
  ['the other half',                  { hostsubnetlength: 9 },                              'network', /differs from the first entry/],
  ['a legacy network alone',          legacy('10.128.0.0/14'),                              'hostsubnetlength', /between 2 and 18/],
  ['a legacy network with host bits', legacy('10.128.0.7/14', 9),                           'network', /10\.128\.0\.0\/14/],
  ['a legacy overlap with services',  legacy('172.30.0.0/16', 9),                           'network', /overlaps the service network/],
  ['too many legacy host bits',       legacy('10.128.0.0/14', 31),                          'hostsubnetlength', /between 2 and 18/],
  ['port 0',                          { vxlanPort: 0 },                                     'vxlanPort', /0 is not a UDP port/],
  ['port 65536',                      { vxlanPort: 65_536 },                                'vxlanPort', /65536 is not a UDP port/],
  ['an MTU below IPv4\'s least',      { mtu: 575 },                                         'mtu', /not between 576 and 65486/],
  ['an MTU without room for VXLAN',   { mtu: 65_487 },                                      'mtu', /not between 576 and 65486/],
];

describe('parseClusterNetwork() refuses', () => {
  for (const [why, change, field, says] of INVALID) {
    test(why, () => {
      assert.throws(
        () => parseClusterNetwork({ ...GOOD, ...change }),
        (error) => {
          assert(isTenetError(error, 'OBJECT_INVALID'));
          assert.equal(error.facts.field, field);
          assert.match(error.message, says);
          assert.doesNotMatch(error.message, /\.$|\n/);
          return true;
        },
      );
    });
  }

  for (const [clusterNetworks, field, says] of [
    [[null], 'clusterNetworks[0]', /null is not an object/],
    [['10.128.0.0/14'], 'clusterNetworks[0]', /"10\.128\.0\.0\/14" is not an object/],
    ['10.128.0.0/14', 'clusterNetworks', /is not a list/],
  ] as const) {
    test(`${JSON.stringify(clusterNetworks)} for clusterNetworks, which a cluster without a schema stores`, () => {
      const object: unknown = { ...GOOD, clusterNetworks };
      assert.throws(
        () => parseClusterNetwork(object as ClusterNetworkObject),
        (error) => isTenetError(error, 'OBJECT_INVALID') && error.facts.field === field && says.test(error.message),
      );
    });
  }

  test('an entry that spells cidr in lower case, naming the field as the API spells it', () => {
    const entry: unknown = { cidr: '10.128.0.0/14', hostSubnetLength: 9 };
    const object = { ...GOOD, clusterNetworks: [entry] } as ClusterNetworkObject;
    assert.throws(() => parseClusterNetwork(object), /clusterNetworks\[0\]\.CIDR is missing/);
  });
});

const shown = (list: readonly ClusterRange[]) => list.map(({ cidr, hostBits }) => `${cidr} ${hostBits}`);

describe('parseClusterNetwork()', () => {
  test('gives the defaults when port and MTU are absent', () => {
    const network = parseClusterNetwork(GOOD);
    assert.deepEqual(shown(network.ranges), ['10.128.0.0/14 9']);
    assert.equal(network.serviceNetwork.toString(), '172.30.0.0/16');
    assert.equal(network.vxlanPort, 4789);
    assert.equal(network.mtuBytes, 1450);
  });

  test('obeys port and MTU', () => {
    const network = parseClusterNetwork({ ...GOOD, vxlanPort: 4790, mtu: 8951 });
    assert.equal(network.vxlanPort, 4790);
    assert.equal(network.mtuBytes, 8951);
  });

  test('keeps the ranges in their order', () => {
    const network = parseClusterNetwork({ ...GOOD, ...ranges(['10.2.0.0/16', 14], ['10.1.0.0/16', 16]) });
    assert.deepEqual(shown(network.ranges), ['10.2.0.0/16 14', '10.1.0.0/16 16']);
  });

  test('accepts a legacy pair that repeats the first entry', () => {
    const network = parseClusterNetwork({ ...GOOD, network: '10.128.0.0/14', hostsubnetlength: 9 });
    assert.deepEqual(shown(network.ranges), ['10.128.0.0/14 9']);
  });

  test('reads a legacy pair alone as one range', () => {
    assert.deepEqual(shown(parseClusterNetwork({ ...GOOD, ...legacy('10.1.0.0/16', 8) }).ranges), ['10.1.0.0/16 8']);
  });

  test('gives disjoint ranges that hold a subnet each, or OBJECT_INVALID, whatever the entries', () => {
    const entry = fc.record({
      CIDR: fc
        .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 6, max: 33 }))
        .map(([a, b, length]) => `10.${a}.${b * 64}.0/${length}`),
      hostSubnetLength: fc.integer({ min: 0, max: 33 }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (clusterNetworks) => {
        let parsed: ReturnType<typeof parseClusterNetwork>;
        try {
          parsed = parseClusterNetwork({ ...GOOD, clusterNetworks });
        } catch (error) {
          return assert(isTenetError(error, 'OBJECT_INVALID'));
        }
        for (const [at, { cidr, hostBits }] of parsed.ranges.entries()) {
          assert(Prefix.of(cidr.address, 32 - hostBits).length >= cidr.length);
          for (const other of parsed.ranges.slice(at + 1)) assert(!cidr.overlaps(other.cidr));
        }
      }),
    );
  });
});
