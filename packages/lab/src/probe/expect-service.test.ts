import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ip } from '@tenet/std';
import type { Endpoint, NodeEndpoint } from './endpoint.ts';
import {
  type AskedService,
  expectRouted,
  expectService,
  type PodEndpoint,
  type ServiceAddress,
  type ServiceOutcome,
} from './expect-service.ts';

const node = (name: string, ip: string, gateway: string): NodeEndpoint => ({
  kind: 'node',
  name,
  namespace: name,
  ip: Ip.parse(ip),
  gateway: Ip.parse(gateway),
});
const N1 = node('n1', '10.122.70.72', '10.131.2.1');
const N2 = node('n2', '10.122.70.73', '10.130.0.1');
const pod = (name: string, ip: string, vnid: number, home: NodeEndpoint): PodEndpoint => ({
  kind: 'pod',
  name,
  namespace: name,
  ip: Ip.parse(ip),
  vnid,
  node: home,
});
const A1 = pod('a1', '10.131.2.2', 10, N1);
const A2 = pod('a2', '10.130.0.2', 10, N2);
const B1 = pod('b1', '10.131.2.3', 11, N1);
const B2 = pod('b2', '10.130.0.3', 11, N2);
const G1 = pod('g1', '10.131.2.45', 0, N1);
const OUT: Endpoint = { kind: 'outside', name: 'outside', namespace: 'o', ip: Ip.parse('198.51.100.10') };

const CLUSTER_IP: ServiceAddress = { kind: 'cluster IP' };
const PORT1: ServiceAddress = { kind: 'node port', node: N1 };
const PORT2: ServiceAddress = { kind: 'node port', node: N2 };
const OUTER1: ServiceAddress = { kind: 'published', entry: N1 };

const service = (
  vnid: number,
  endpoints: PodEndpoint[],
  policy: AskedService['externalTrafficPolicy'] = 'Cluster',
) => ({
  vnid,
  endpoints,
  externalTrafficPolicy: policy,
});
const OF_A = service(10, [A1, A2]);
const OF_A_LOCAL = service(10, [A1, A2], 'Local');
const ON_1_LOCAL = service(10, [A1], 'Local');
const OF_G = service(0, [G1]);
const NONE = service(10, []);
const NONE_LOCAL = service(10, [], 'Local');
/** Written by hand: a service of a with a pod of b behind it. */
const CROSSING = service(10, [B2]);

// biome-ignore format: one question a row
const ROWS: readonly (readonly [from: Endpoint, at: ServiceAddress, of: AskedService, is: string])[] = [
  [B1, CLUSTER_IP, OF_A, 'dropped by n1 as foreign-service'],
  [B2, CLUSTER_IP, OF_A, 'dropped by n2 as foreign-service'],
  [B1, CLUSTER_IP, NONE, 'dropped by n1 as foreign-service'],
  [B1, CLUSTER_IP, CROSSING, 'dropped by n1 as foreign-service'],
  [A1, CLUSTER_IP, CROSSING, 'dropped by n2 as tenant-mismatch'],
  [A1, CLUSTER_IP, NONE, 'refused'],
  [N1, CLUSTER_IP, NONE, 'refused'],
  [A1, CLUSTER_IP, OF_A, 'a1 sees 10.131.2.1, a2 sees 10.131.2.2'],
  [A2, CLUSTER_IP, OF_A, 'a1 sees 10.130.0.2, a2 sees 10.130.0.1'],
  [G1, CLUSTER_IP, OF_A, 'a1 sees 10.131.2.45, a2 sees 10.131.2.45'],
  [B2, CLUSTER_IP, OF_G, 'g1 sees 10.130.0.3'],
  [N2, CLUSTER_IP, OF_A, 'a1 sees 10.130.0.1, a2 sees 10.130.0.1'],
  [OUT, PORT1, NONE, 'refused'],
  [OUT, PORT1, NONE_LOCAL, 'refused'],
  [OUT, PORT1, OF_A, 'a1 sees 10.131.2.1, a2 sees 10.131.2.1'],
  [OUT, PORT2, OF_A, 'a1 sees 10.130.0.1, a2 sees 10.130.0.1'],
  [OUT, PORT2, OF_A_LOCAL, 'a2 sees 198.51.100.10'],
  [OUT, PORT2, ON_1_LOCAL, 'ignored'],
  [OUT, OUTER1, OF_A_LOCAL, 'a1 sees 198.51.100.10'],
  [B1, PORT1, OF_A, 'a1 sees 10.131.2.1, a2 sees 10.131.2.1'],
  [B1, PORT2, OF_A, 'a1 sees 10.130.0.1, a2 sees 10.130.0.1'],
  [B2, OUTER1, OF_A, 'a1 sees 10.130.0.1, a2 sees 10.130.0.1'],
  [B1, PORT1, OF_A_LOCAL, 'dropped by n1 as tenant-mismatch, dropped by n2 as tenant-mismatch'],
  [B2, OUTER1, ON_1_LOCAL, 'dropped by n1 as tenant-mismatch'],
  [B1, PORT2, OF_A_LOCAL, 'a2 sees 10.122.70.72'],
  [B1, PORT2, ON_1_LOCAL, 'ignored'],
  [A1, PORT1, OF_A_LOCAL, 'a1 sees 10.131.2.1, a2 sees 10.131.2.2'],
  [A2, OUTER1, ON_1_LOCAL, 'a1 sees 10.130.0.2'],
  [N2, PORT2, ON_1_LOCAL, 'a1 sees 10.130.0.1'],
  [N2, PORT1, ON_1_LOCAL, 'a1 sees 10.122.70.73'],
  [N2, OUTER1, ON_1_LOCAL, 'a1 sees 10.130.0.1'],
];

const whereOf = (at: ServiceAddress) => {
  if (at.kind === 'cluster IP') return at.kind;
  return at.kind === 'node port' ? `${at.kind} of ${at.node.name}` : `${at.kind} by ${at.entry.name}`;
};
const behind = ({ endpoints, externalTrafficPolicy }: AskedService) =>
  `${endpoints.map(({ name }) => name).join(' and ') || 'nobody'} (${externalTrafficPolicy})`;

for (const [from, at, of, is] of ROWS) {
  test(`expectService() is "${is}" when ${from.name} asks ${behind(of)} at the ${whereOf(at)}`, () =>
    assert.equal(expectService(from, at, of).map(wordsOf).join(', '), is));
}

test('expectService() throws when outside asks at the cluster IP', () =>
  assert.throws(() => expectService(OUT, CLUSTER_IP, OF_A), RangeError));

test('expectRouted() names the guard of the node that is asked', () =>
  assert.equal(expectRouted(N2).map(wordsOf).join(), 'guarded by n2 as outside-to-service'));

function wordsOf(outcome: ServiceOutcome): string {
  switch (outcome.kind) {
    case 'reaches':
      return `${outcome.pod.name} sees ${outcome.client}`;
    case 'dropped':
    case 'guarded':
      return `${outcome.kind} by ${outcome.by.name} as ${outcome.as}`;
    case 'refused':
    case 'ignored':
      return outcome.kind;
  }
}
