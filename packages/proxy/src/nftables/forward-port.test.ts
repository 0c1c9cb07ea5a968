import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ip, Prefix } from '@tenet/std';
import { endpointAt, ZOO_NODE, zooCase, zooPort } from '../../testing/port-zoo.ts';
import type { ProxiedPort } from '../proxied-port.ts';
import { forwardPort } from './forward-port.ts';

/** The own elements of a port, each as `set: key tail`. */
function elementsOf(port: ProxiedPort): readonly string[] {
  return forwardPort(port, ZOO_NODE).elements.map(({ set, key, tail }) => `${set}: ${key}${tail}`);
}

const IS = 'comment "logging/logging-es" :';
const PICKED = [
  'tcp-endpoints: 172.30.229.30 . 9200 . 0 : 10.128.0.7 . 8080',
  'tcp-endpoints: 172.30.229.30 . 9200 . 1 : 10.131.2.46 . 8080',
  `services: 172.30.229.30 . tcp . 9200 ${IS} goto pick-tcp-2`,
];

const CASES: readonly { readonly name: string; readonly when: string; readonly has: readonly string[] }[] = [
  {
    name: 'no-endpoints',
    when: 'there is no endpoint: each name is refused',
    has: [
      `refused: 172.30.229.30 . tcp . 9200 ${IS} goto refuse`,
      `refused: 192.0.2.9 . tcp . 9200 ${IS} goto refuse`,
      `refused: 192.0.2.10 . tcp . 9200 ${IS} goto refuse`,
      `refused-node-ports: tcp . 30080 ${IS} goto refuse`,
    ],
  },
  {
    name: 'inside-local-elsewhere',
    when: 'the endpoints that may be used are elsewhere: the cluster IP is silent, the node port is not',
    has: [
      `refused: 172.30.229.30 . tcp . 9200 ${IS} drop`,
      'tcp-node-port-endpoints: 30081 . 0 : 10.128.0.7 . 8080',
      'tcp-node-port-endpoints: 30081 . 1 : 10.131.2.46 . 8080',
      `node-ports: tcp . 30081 ${IS} goto node-pick-masq-tcp-2`,
    ],
  },
  {
    name: 'outside-local-elsewhere',
    when: 'clients from outside find no endpoint here: pods do, the others are dropped',
    has: [
      'tcp-endpoints: 172.30.229.30 . 9200 . 0 : 10.128.0.7 . 8080',
      `services: 172.30.229.30 . tcp . 9200 ${IS} goto pick-tcp-1`,
      'tcp-endpoints: 192.0.2.9 . 9200 . 0 : 10.128.0.7 . 8080',
      `services: 192.0.2.9 . tcp . 9200 ${IS} goto pick-tcp-1`,
      'tcp-endpoints: 192.0.2.10 . 9200 . 0 : 10.128.0.7 . 8080',
      `services: 192.0.2.10 . tcp . 9200 ${IS} goto pick-tcp-1`,
      'tcp-node-port-endpoints: 30080 . 0 : 10.128.0.7 . 8080',
      `node-ports: tcp . 30080 ${IS} goto node-pick-tcp-1`,
      `local-services: 192.0.2.9 . tcp . 9200 ${IS} drop`,
      `local-services: 192.0.2.10 . tcp . 9200 ${IS} drop`,
      `local-node-ports: tcp . 30080 ${IS} drop`,
    ],
  },
  {
    name: 'portal',
    when: 'it sleeps: every name leads to the portal, which has no other way in',
    has: [
      `portals: 172.30.229.30 . tcp . 9200 ${IS} 10.131.2.1 . 41000`,
      `portals: 192.0.2.9 . tcp . 9200 ${IS} 10.131.2.1 . 41000`,
      `portals: 192.0.2.10 . tcp . 9200 ${IS} 10.131.2.1 . 41000`,
      `node-port-portals: tcp . 30080 ${IS} 10.131.2.1 . 41000`,
      'portal-sockets: 10.131.2.1 . tcp . 41000 comment "logging/logging-es"',
    ],
  },
  {
    name: 'cluster-ip',
    when: 'it is the article’s service',
    has: [
      'tcp-endpoints: 172.30.229.30 . 9200 . 0 : 10.131.2.45 . 9200',
      `services: 172.30.229.30 . tcp . 9200 ${IS} goto pick-tcp-1`,
    ],
  },
  {
    name: 'udp',
    when: 'it is of another protocol',
    has: [
      'udp-endpoints: 172.30.229.30 . 53 . 0 : 10.128.0.9 . 5353',
      `services: 172.30.229.30 . udp . 53 ${IS} goto pick-udp-1`,
    ],
  },
  {
    name: 'outside-cluster',
    when: 'the world knows it, and every endpoint may be used: all who come are masqueraded',
    has: [
      ...PICKED,
      'tcp-endpoints: 192.0.2.9 . 9200 . 0 : 10.128.0.7 . 8080',
      'tcp-endpoints: 192.0.2.9 . 9200 . 1 : 10.131.2.46 . 8080',
      `services: 192.0.2.9 . tcp . 9200 ${IS} goto pick-masq-tcp-2`,
      'tcp-endpoints: 192.0.2.10 . 9200 . 0 : 10.128.0.7 . 8080',
      'tcp-endpoints: 192.0.2.10 . 9200 . 1 : 10.131.2.46 . 8080',
      `services: 192.0.2.10 . tcp . 9200 ${IS} goto pick-masq-tcp-2`,
      'tcp-node-port-endpoints: 30080 . 0 : 10.128.0.7 . 8080',
      'tcp-node-port-endpoints: 30080 . 1 : 10.131.2.46 . 8080',
      `node-ports: tcp . 30080 ${IS} goto node-pick-masq-tcp-2`,
    ],
  },
  {
    name: 'inside-local',
    when: 'only endpoints of this node may be used',
    has: [
      'tcp-endpoints: 172.30.229.30 . 9200 . 0 : 10.131.2.46 . 8080',
      `services: 172.30.229.30 . tcp . 9200 ${IS} goto pick-tcp-1`,
    ],
  },
];

for (const { name, when, has } of CASES)
  test(`forwardPort() gives these elements when ${when}`, () => {
    assert.deepEqual(elementsOf(zooCase(name)), has);
  });

test('forwardPort() leads clients from outside to endpoints of this node only when the policy is Local', () => {
  const elements = elementsOf(zooCase('outside-local'));
  assert.deepEqual(elements.slice(0, PICKED.length), PICKED);
  assert.deepEqual(
    elements.filter((element) => element.includes('local-')),
    [
      'tcp-local-endpoints: 192.0.2.9 . 9200 . 0 : 10.131.2.46 . 8080',
      `local-services: 192.0.2.9 . tcp . 9200 ${IS} goto pick-local-tcp-1`,
      'tcp-local-endpoints: 192.0.2.10 . 9200 . 0 : 10.131.2.46 . 8080',
      `local-services: 192.0.2.10 . tcp . 9200 ${IS} goto pick-local-tcp-1`,
      'tcp-local-node-port-endpoints: 30080 . 0 : 10.131.2.46 . 8080',
      `local-node-ports: tcp . 30080 ${IS} goto node-pick-local-tcp-1`,
    ],
  );
});

test('forwardPort() shares the chains of a number of endpoints, and what endpoints are to themselves', () => {
  const { chains, sharedChains, sharedElements } = forwardPort(zooCase('outside-cluster'), ZOO_NODE);
  assert.deepEqual(Object.fromEntries(sharedChains), {
    'pick-tcp-2': [
      'iifname != tun0 meta mark set meta mark | 0x4000',
      'dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints',
      'drop',
    ],
    'pick-masq-tcp-2': [
      'meta mark set meta mark | 0x4000',
      'dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints',
      'drop',
    ],
    'node-pick-masq-tcp-2': [
      'meta mark set meta mark | 0x4000',
      'dnat ip to tcp dport . numgen random mod 2 map @tcp-node-port-endpoints',
      'drop',
    ],
  });
  assert.deepEqual(
    [...new Set(sharedElements.map(({ set, key, tail }) => `${set}: ${key}${tail}`))],
    ['hairpins: 10.128.0.7 . 10.128.0.7', 'hairpins: 10.131.2.46 . 10.131.2.46'],
  );
  assert.equal(chains.size, 0);
});

test('forwardPort() remembers clients by endpoint, without slots, when a service has session affinity', () => {
  const { elements, chains, sharedChains, clientSets } = forwardPort(zooCase('affinity'), ZOO_NODE);
  const path = 'logging/logging-es/tcp/9200';
  const [a, b] = [`clients/${path}/10.128.0.7/8080`, `clients/${path}/10.131.2.46/8080`];
  const toA = `update @${a} { ip saddr timeout 10800s } meta l4proto tcp dnat ip to 10.128.0.7:8080`;
  const toB = `update @${b} { ip saddr timeout 10800s } meta l4proto tcp dnat ip to 10.131.2.46:8080`;
  assert.deepEqual(clientSets, [a, b]);
  assert.equal(sharedChains.size, 0);
  assert.deepEqual(elements, [
    { set: 'services', key: '172.30.229.30 . tcp . 9200', tail: ` ${IS} goto pick/${path}` },
  ]);
  assert.deepEqual(Object.fromEntries(chains), {
    [`pick/${path}`]: [
      'iifname != tun0 meta mark set meta mark | 0x4000',
      `ip saddr @${a} ${toA}`,
      `ip saddr @${b} ${toB}`,
      `numgen random mod 2 0 ${toA}`,
      toB,
      'meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.128.0.7 . 8080, 1 : 10.131.2.46 . 8080 }',
    ],
  });
});

const RANGES: readonly {
  readonly name: string;
  readonly ranges: readonly string[];
  readonly rules: readonly string[];
}[] = [
  { name: 'nobody when all ranges are IPv6', ranges: ['2001:db8::/32'], rules: ['drop'] },
  {
    name: 'everybody for the range of all',
    ranges: ['0.0.0.0/0'],
    rules: ['return', 'ip saddr 192.0.2.10 return', 'drop'],
  },
  {
    name: 'the balancer’s own address too when this node is listed',
    ranges: ['198.51.100.0/24', '10.122.70.72/32'],
    rules: ['ip saddr 198.51.100.0/24 return', 'ip saddr 10.122.70.72 return', 'ip saddr 192.0.2.10 return', 'drop'],
  },
];
for (const { name, ranges, rules } of RANGES)
  test(`forwardPort() lets through the load balancer ${name}`, () => {
    const port = zooPort({
      loadBalancerIps: [Ip.parse('192.0.2.10')],
      sourceRanges: ranges.map((each) => Prefix.parse(each)),
    });
    const chain = 'ranges/logging/logging-es/tcp/9200';
    assert.deepEqual(forwardPort(port, ZOO_NODE).chains.get(chain), rules);
    assert.ok(elementsOf(port).includes(`source-ranges: 192.0.2.10 . tcp . 9200 ${IS} jump ${chain}`));
  });

test('forwardPort() cuts a comment that is longer than nft takes', () => {
  const port = zooPort({ namespace: 'n'.repeat(63), service: 's'.repeat(63), portName: 'p'.repeat(15) });
  const [element] = elementsOf({ ...port, clusterEndpoints: [endpointAt('10.128.0.7:1')] }).filter((each) =>
    each.startsWith('services'),
  );
  assert.match(element ?? '', /comment "n{63}\/s{63}:" : goto/);
});
