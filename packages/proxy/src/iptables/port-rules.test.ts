import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prefix } from '@tenet/std';
import { ZOO_NODE, zooCase, zooPort } from '../../testing/port-zoo.ts';
import type { ProxiedPort, ProxyNode } from '../proxied-port.ts';
import { endpointChain } from './chain-names.ts';
import { portRules } from './port-rules.ts';

test("portRules() writes the article's service as iptables-save prints it", () => {
  const { chains, entries } = portRules(zooPort(), ZOO_NODE);
  assert.deepEqual(Object.fromEntries(chains), {
    'KUBE-SEP-H2SZLG7QT6WVYISM':
      '-A KUBE-SEP-H2SZLG7QT6WVYISM -s 10.131.2.45/32 -m comment --comment "logging/logging-es" -j KUBE-MARK-MASQ\n' +
      '-A KUBE-SEP-H2SZLG7QT6WVYISM -p tcp -m comment --comment "logging/logging-es" -m tcp -j DNAT --to-destination 10.131.2.45:9200\n',
    'KUBE-SVC-BWSQUABZDDFLJOKN':
      '-A KUBE-SVC-BWSQUABZDDFLJOKN -d 172.30.229.30/32 ! -i tun0 -p tcp -m comment --comment "logging/logging-es cluster IP" -m tcp --dport 9200 -j KUBE-MARK-MASQ\n' +
      '-A KUBE-SVC-BWSQUABZDDFLJOKN -m comment --comment "logging/logging-es -> 10.131.2.45:9200" -j KUBE-SEP-H2SZLG7QT6WVYISM\n',
  });
  assert.deepEqual(entries, [
    {
      table: 'nat',
      chain: 'KUBE-SERVICES',
      rule: '-d 172.30.229.30/32 -p tcp -m comment --comment "logging/logging-es cluster IP" -m tcp --dport 9200 -j KUBE-SVC-BWSQUABZDDFLJOKN',
    },
  ]);
});

const DNAT = (at: string): string => `SEP ${at}: -p tcp {es} -m tcp -j DNAT --to-destination ${at}`;
const HAIRPIN = (at: string): string => `SEP ${at}: -s ${at.replace(/:.*/, '')}/32 {es} -j KUBE-MARK-MASQ`;
const SEP = (at: string): string[] => [HAIRPIN(at), DNAT(at)];
const MASQUERADE = (chain: string): string =>
  `${chain}: -d 172.30.229.30/32 ! -i tun0 -p tcp {es cluster IP} -m tcp --dport 9200 -j KUBE-MARK-MASQ`;
const TO = '-p tcp {es cluster IP} -m tcp --dport 9200';
const INSIDE = (chain: string): string => `nat KUBE-SERVICES: -d 172.30.229.30/32 ${TO} -j ${chain}`;
const OUTSIDE = (chain: string, lbChain = chain): string[] => [
  `nat KUBE-SERVICES: -d 192.0.2.9/32 -p tcp {es external IP} -m tcp --dport 9200 -j ${chain}`,
  `nat KUBE-SERVICES: -d 192.0.2.10/32 -p tcp {es loadbalancer IP} -m tcp --dport 9200 -j ${lbChain}`,
  `nat KUBE-NODEPORTS: -p tcp {es} -m tcp --dport 30080 -j ${chain}`,
];
const REFUSED = (why: string, target: string): string[] => [
  `filter KUBE-EXTERNAL-SERVICES: -d 192.0.2.9/32 -p tcp {es ${why}} -m tcp --dport 9200 -j ${target}`,
  `filter KUBE-EXTERNAL-SERVICES: -d 192.0.2.10/32 -p tcp {es ${why}} -m tcp --dport 9200 -j ${target}`,
  `filter KUBE-EXTERNAL-SERVICES: ! -d 127.0.0.0/8 -p tcp {es ${why}} -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j ${target}`,
];
const REJECT = 'REJECT --reject-with icmp-port-unreachable';
const MASQUERADED = ['EXT: {masquerade traffic for es external destinations} -j KUBE-MARK-MASQ', 'EXT: -j SVC'];
const NEAR = [
  'EXT: -i tun0 {pod traffic for es external destinations} -j SVC',
  'EXT: {masquerade LOCAL traffic for es external destinations} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ',
  'EXT: {route LOCAL traffic for es external destinations} -m addrtype --src-type LOCAL -j SVC',
];
const FIREWALL =
  'filter KUBE-PROXY-FIREWALL: -d 192.0.2.10/32 -p tcp {es traffic not accepted by FW} -m tcp --dport 9200 -j DROP';
const OTHERS = 'FW: {other traffic to es will be dropped by KUBE-PROXY-FIREWALL}';
const A = '10.128.0.7:8080';
const B = '10.131.2.46:8080';
const ES = '10.131.2.45:9200';
const HALVES = [
  `SVC: {es -> ${A}} -m statistic --mode random --probability 0.50000000000 -j SEP ${A}`,
  `SVC: {es -> ${B}} -j SEP ${B}`,
];
const PAIR = [...SEP(A), ...SEP(B), MASQUERADE('SVC'), ...HALVES];
const ONE = [...SEP(ES), MASQUERADE('SVC'), `SVC: {es -> ${ES}} -j SEP ${ES}`];

const CASES: readonly { readonly zoo: string; readonly does: string; readonly rules: readonly string[] }[] = [
  {
    zoo: 'no-endpoints',
    does: 'refuses at once by all addresses',
    rules: [
      `filter KUBE-SERVICES: -d 172.30.229.30/32 -p tcp {es has no endpoints} -m tcp --dport 9200 -j ${REJECT}`,
      ...REFUSED('has no endpoints', REJECT),
    ],
  },
  {
    zoo: 'three-endpoints',
    does: 'gives each endpoint the same chance',
    rules: [
      ...SEP(A),
      ...SEP(B),
      ...SEP('192.0.2.77:8080'),
      MASQUERADE('SVC'),
      `SVC: {es -> ${A}} -m statistic --mode random --probability 0.33333333349 -j SEP ${A}`,
      `SVC: {es -> ${B}} -m statistic --mode random --probability 0.50000000000 -j SEP ${B}`,
      'SVC: {es -> 192.0.2.77:8080} -j SEP 192.0.2.77:8080',
      INSIDE('SVC'),
    ],
  },
  {
    zoo: 'affinity',
    does: 'asks for the endpoint of before first, and remembers which it gave',
    rules: [
      HAIRPIN(A),
      `SEP ${A}: -p tcp {es} -m recent --set --name SEP ${A} -m tcp -j DNAT --to-destination ${A}`,
      HAIRPIN(B),
      `SEP ${B}: -p tcp {es} -m recent --set --name SEP ${B} -m tcp -j DNAT --to-destination ${B}`,
      MASQUERADE('SVC'),
      `SVC: {es -> ${A}} -m recent --rcheck --seconds 10800 --reap --name SEP ${A} -j SEP ${A}`,
      `SVC: {es -> ${B}} -m recent --rcheck --seconds 10800 --reap --name SEP ${B} -j SEP ${B}`,
      ...HALVES,
      INSIDE('SVC'),
    ],
  },
  {
    zoo: 'outside-cluster',
    does: 'masquerades whoever comes by an external address',
    rules: [...PAIR, ...MASQUERADED, INSIDE('SVC'), ...OUTSIDE('EXT')],
  },
  {
    zoo: 'outside-local',
    does: 'keeps sources, and sends pods and the node itself anywhere',
    rules: [...PAIR, `SVL: {es -> ${B}} -j SEP ${B}`, ...NEAR, 'EXT: -j SVL', INSIDE('SVC'), ...OUTSIDE('EXT')],
  },
  {
    zoo: 'outside-local-elsewhere',
    does: 'drops what others send while only other nodes can serve',
    rules: [
      ...SEP(A),
      MASQUERADE('SVC'),
      `SVC: {es -> ${A}} -j SEP ${A}`,
      ...NEAR,
      INSIDE('SVC'),
      ...OUTSIDE('EXT'),
      ...REFUSED('has no local endpoints', 'DROP'),
      'filter KUBE-NODEPORTS: -p tcp {es health check node port} -m tcp --dport 31000 -j ACCEPT',
    ],
  },
  {
    zoo: 'local-terminating',
    does: 'has endpoints here that are not among all',
    rules: [
      ...SEP(A),
      ...SEP(B),
      MASQUERADE('SVC'),
      `SVC: {es -> ${A}} -j SEP ${A}`,
      `SVL: {es -> ${B}} -j SEP ${B}`,
      ...NEAR,
      'EXT: -j SVL',
      INSIDE('SVC'),
      ...OUTSIDE('EXT'),
    ],
  },
  {
    zoo: 'inside-local',
    does: 'knows no endpoint of other nodes',
    rules: [...SEP(B), MASQUERADE('SVL'), `SVL: {es -> ${B}} -j SEP ${B}`, INSIDE('SVL')],
  },
  {
    zoo: 'inside-local-elsewhere',
    does: 'drops by the cluster IP alone',
    rules: [
      ...SEP(A),
      ...SEP(B),
      ...HALVES,
      ...MASQUERADED,
      'filter KUBE-SERVICES: -d 172.30.229.30/32 -p tcp {es has no local endpoints} -m tcp --dport 9200 -j DROP',
      'nat KUBE-NODEPORTS: -p tcp {es} -m tcp --dport 30081 -j EXT',
    ],
  },
  {
    zoo: 'source-ranges',
    does: 'guards the addresses of the load balancer, and lets the node use its own when the node is listed',
    rules: [
      ...PAIR,
      ...MASQUERADED,
      'FW: -s 198.51.100.0/24 {es loadbalancer IP} -j EXT',
      'FW: -s 10.122.70.0/24 {es loadbalancer IP} -j EXT',
      'FW: -s 192.0.2.10/32 {es loadbalancer IP} -m addrtype --src-type LOCAL -j EXT',
      OTHERS,
      INSIDE('SVC'),
      ...OUTSIDE('EXT', 'FW'),
      FIREWALL,
    ],
  },
  {
    zoo: 'source-ranges-ipv6-only',
    does: 'lets nobody of IPv4 through the load balancer',
    rules: [...ONE, ...MASQUERADED, OTHERS, INSIDE('SVC'), ...OUTSIDE('EXT', 'FW'), FIREWALL],
  },
  {
    zoo: 'address-of-both-kinds',
    does: 'guards an address that is also an external one, and names it once',
    rules: [
      ...ONE,
      ...MASQUERADED,
      'FW: -s 198.51.100.0/24 {es loadbalancer IP} -j EXT',
      OTHERS,
      INSIDE('SVC'),
      'nat KUBE-SERVICES: -d 192.0.2.10/32 -p tcp {es loadbalancer IP} -m tcp --dport 9200 -j FW',
      FIREWALL,
    ],
  },
  {
    zoo: 'portal',
    does: 'holds connections by all addresses, masquerades none, and shuts the portal for whoever calls it itself',
    rules: [
      'SVC: -p tcp {es portal} -m tcp -j DNAT --to-destination 10.131.2.1:41000',
      INSIDE('SVC'),
      ...OUTSIDE('SVC'),
      'filter KUBE-PORTALS: -d 10.131.2.1/32 -p tcp {es portal, only through the service} -m tcp --dport 41000 -m conntrack ! --ctstate DNAT -j DROP',
    ],
  },
];

for (const { zoo, does, rules } of CASES)
  test(`portRules() ${does} when the service is ${zoo}`, () => {
    assert.deepEqual(shown(zooCase(zoo)), rules);
  });

test('portRules() refuses node ports where they are open, and nowhere else', () => {
  const node = { ...ZOO_NODE, nodePortAddresses: [Prefix.parse('10.122.70.0/24'), Prefix.parse('192.0.2.1/32')] };
  const rules = shown(zooCase('no-endpoints'), node).filter((rule) => rule.includes('30080'));
  const rest = `-p tcp {es has no endpoints} -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j ${REJECT}`;
  assert.deepEqual(rules, [
    `filter KUBE-EXTERNAL-SERVICES: -d 10.122.70.0/24 ${rest}`,
    `filter KUBE-EXTERNAL-SERVICES: -d 192.0.2.1/32 ${rest}`,
  ]);
});

test('portRules() names UDP and SCTP wherever a port is matched or given', () => {
  for (const zoo of ['udp', 'sctp']) {
    const rules = shown(zooCase(zoo)).filter((rule) => /port|DNAT/.test(rule));
    assert.ok(rules.length >= 3);
    for (const rule of rules) assert.match(rule, new RegExp(`-p ${zoo} .*-m ${zoo} `));
  }
});

/** Comments in braces, `logging/logging-es` as `es`, and chains by what they are for. */
function shown(port: ProxiedPort, node: ProxyNode = ZOO_NODE): string[] {
  const { chains, entries } = portRules(port, node);
  const ends = [...port.clusterEndpoints, ...port.localEndpoints];
  const names = new Map(ends.map((end) => [endpointChain(port, end), `SEP ${end.ip}:${end.port}`]));
  const lines = [
    ...[...chains.values()]
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/^-A (\S+)/, '$1:')),
    ...entries.map(({ table, chain, rule }) => `${table} ${chain}: ${rule}`),
  ];
  return lines.map((line) =>
    line
      .replace(/-m comment --comment "([^"]*)"/, '{$1}')
      .replaceAll('logging/logging-es', 'es')
      .replaceAll(' --mask 255.255.255.255 --rsource', '')
      .replaceAll(/KUBE-SEP-\w{16}/g, (name) => names.get(name) ?? name)
      .replaceAll(/KUBE-(SVC|SVL|EXT|FW)-\w{16}/g, '$1'),
  );
}
