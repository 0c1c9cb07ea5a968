import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseClusterNetwork } from '@tenet/model';
import { hostAddress, internalAddressOf } from './host-address.ts';

const NETWORK = parseClusterNetwork({
  metadata: { name: 'default' },
  serviceNetwork: '172.30.0.0/16',
  clusterNetworks: [
    { CIDR: '10.128.0.0/14', hostSubnetLength: 9 },
    { CIDR: '10.64.0.0/16', hostSubnetLength: 8 },
  ],
});

// biome-ignore format: one row per line
const UNUSABLE: readonly [address: string, problem: string][] = [
  ['',             'is not an IP address'],
  ['dt-infra1',    'is not an IP address'],
  ['10.122.70',    'is not an IP address'],
  ['fd00::1',      'is IPv6, which is not supported yet'],
  ['127.0.0.1',    'is a loopback address'],
  ['127.1.2.3',    'is a loopback address'],
  ['0.0.0.0',      'means no host'],
  ['224.0.0.1',    'is a multicast address'],
  ['10.128.0.0',   "is inside the pods' range 10.128.0.0/14"],
  ['10.131.2.45',  "is inside the pods' range 10.128.0.0/14"],
  ['10.64.255.255', "is inside the pods' range 10.64.0.0/16"],
  ['172.30.0.1',   'is inside the service network 172.30.0.0/16'],
];

describe('hostAddress() refuses', () => {
  for (const [address, problem] of UNUSABLE) {
    test(JSON.stringify(address), () => assert.deepEqual(hostAddress(address, NETWORK), { problem }));
  }
});

describe('hostAddress() accepts', () => {
  for (const address of ['10.122.70.72', '10.132.0.0', '172.29.255.255', '192.168.0.1']) {
    test(address, () => {
      const read = hostAddress(address, NETWORK);
      assert('ip' in read);
      assert.equal(read.ip.toString(), address);
    });
  }
});

describe('internalAddressOf()', () => {
  test('is undefined without one', () => {
    assert.equal(internalAddressOf({ metadata: { name: 'a' } }), undefined);
    const addresses = [{ type: 'Hostname', address: 'a' }];
    assert.equal(internalAddressOf({ metadata: { name: 'a' }, status: { addresses } }), undefined);
  });

  test('is the first InternalIP', () => {
    const addresses = [
      { type: 'ExternalIP', address: '1.2.3.4' },
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'InternalIP', address: '10.0.0.2' },
    ];
    assert.equal(internalAddressOf({ metadata: { name: 'a' }, status: { addresses } }), '10.0.0.1');
  });
});
