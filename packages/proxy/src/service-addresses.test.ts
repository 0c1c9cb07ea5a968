import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseService, type ServiceObject } from '@tenet/model';
import { Prefix } from '@tenet/std';
import { serviceAddresses } from './service-addresses.ts';

const RANGES = { clusterNetworks: [Prefix.parse('10.128.0.0/14')], serviceNetwork: Prefix.parse('172.30.0.0/16') };

function addressesOf(spec: Partial<ServiceObject['spec']>, balancer: readonly string[] = []) {
  const service = parseService({
    metadata: { name: 'web', namespace: 'alpha' },
    spec: { type: 'LoadBalancer', clusterIP: '172.30.0.1', ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: { ingress: balancer.map((ip) => ({ ip })) } },
  });
  return serviceAddresses(service, RANGES);
}

// biome-ignore format: one row per line
const HAZARDS: readonly [address: string, problem: string][] = [
  ['10.128.0.7',       'is in the cluster network 10.128.0.0/14'],
  ['172.30.0.9',       'is in the service network 172.30.0.0/16'],
  ['0.0.0.0',          'is unspecified'],
  ['0.1.2.3',          'is unspecified'],
  ['127.0.0.1',        'is loopback'],
  ['169.254.169.254',  'is link-local'],
  ['224.0.0.1',        'is multicast'],
  ['239.255.255.255',  'is multicast'],
  ['255.255.255.255',  'is broadcast'],
];

describe('serviceAddresses() publishes nothing at', () => {
  for (const [address, problem] of HAZARDS) {
    test(address, () => {
      const { externalIps, loadBalancerIps, ignored } = addressesOf({ externalIPs: [address, '192.0.2.7'] }, [
        address,
        '192.0.2.8',
      ]);
      assert.deepEqual(externalIps.map(String), ['192.0.2.7']);
      assert.deepEqual(loadBalancerIps.map(String), ['192.0.2.8']);
      const told = { namespace: 'alpha', service: 'web', address, problem };
      assert.deepEqual(ignored, [
        { ...told, field: 'loadBalancer' },
        { ...told, field: 'externalIPs' },
      ]);
    });
  }
});

test('serviceAddresses() serves no cluster IP outside the service network, since nothing guards it', () => {
  const { clusterIp, ignored } = addressesOf({ clusterIP: '172.31.0.1' });
  assert.equal(clusterIp, undefined);
  assert.deepEqual(ignored, [
    {
      namespace: 'alpha',
      service: 'web',
      field: 'clusterIP',
      address: '172.31.0.1',
      problem: 'is outside the service network 172.30.0.0/16',
    },
  ]);
});

test('serviceAddresses() takes the cluster IP of IPv4, whichever is first', () => {
  assert.equal(`${addressesOf({ clusterIPs: ['fd02::1', '172.30.0.1'] }).clusterIp}`, '172.30.0.1');
  assert.equal(addressesOf({ clusterIPs: ['fd02::1'] }).clusterIp, undefined);
});

test('serviceAddresses() has each address once, in numeric order, and none of IPv6', () => {
  const externalIPs = ['192.0.2.10', '192.0.2.9', '192.0.2.10', '2001:db8::1'];
  const { externalIps, ignored } = addressesOf({ externalIPs });
  assert.deepEqual(externalIps.map(String), ['192.0.2.9', '192.0.2.10']);
  assert.deepEqual(ignored, []);
});

test('serviceAddresses() serves an external IP that is the balancer’s too as the balancer’s, with its source ranges', () => {
  const { externalIps, loadBalancerIps } = addressesOf({ externalIPs: ['192.0.2.7', '192.0.2.8'] }, ['192.0.2.8']);
  assert.deepEqual(externalIps.map(String), ['192.0.2.7']);
  assert.deepEqual(loadBalancerIps.map(String), ['192.0.2.8']);
});

// biome-ignore format: one row per line
const SOURCES: readonly [when: string, listed: readonly string[], is: readonly string[]][] = [
  ['none is listed: everybody',               [],                                                   []],
  ['all addresses are among them: everybody', ['192.0.2.0/24', '0.0.0.0/0'],                        []],
  ['none is IPv4: nobody',                    ['2001:db8::/32'],                                    ['0.0.0.0/32']],
  ['all of IPv6 is listed: nobody of IPv4',   ['::/0'],                                             ['0.0.0.0/32']],
  ['one holds another',                       ['10.1.2.0/24', '10.0.0.0/8', '10.255.0.0/16'],       ['10.0.0.0/8']],
  ['one is there twice',                      ['10.1.2.0/24', '10.1.2.0/24'],                       ['10.1.2.0/24']],
  ['they are not in order',                   ['192.0.2.0/24', '10.0.0.0/9', '10.128.0.0/9'],       ['10.0.0.0/9', '10.128.0.0/9', '192.0.2.0/24']],
];

describe('serviceAddresses() makes of source ranges disjoint ones, when', () => {
  for (const [when, listed, is] of SOURCES) {
    test(when, () => assert.deepEqual(addressesOf({ loadBalancerSourceRanges: listed }).sourceRanges.map(String), is));
  }
});
