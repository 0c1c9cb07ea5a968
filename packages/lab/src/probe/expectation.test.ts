import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ip } from '@tenet/std';
import type { Endpoint, NodeEndpoint } from './endpoint.ts';
import { expect } from './expectation.ts';

const node = (name: string, ip: string, gateway: string): NodeEndpoint => ({
  kind: 'node',
  name,
  namespace: name,
  ip: Ip.parse(ip),
  gateway: Ip.parse(gateway),
});
const N1 = node('n1', '10.122.70.72', '10.131.2.1');
const N2 = node('n2', '10.122.70.73', '10.130.0.1');
const pod = (name: string, ip: string, vnid: number, home: NodeEndpoint): Endpoint => ({
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

const ROWS: readonly (readonly [from: Endpoint, to: Endpoint, is: string])[] = [
  [A1, B1, 'blocked by n1'],
  [A1, B2, 'blocked by n2'],
  [B2, A1, 'blocked by n1'],
  [OUT, A1, 'no route'],
  [OUT, G1, 'no route'],
  [A1, A2, 'reaches as 10.131.2.2'],
  [A1, G1, 'reaches as 10.131.2.2'],
  [G1, B2, 'reaches as 10.131.2.45'],
  [N1, A1, 'reaches as 10.131.2.1'],
  [N1, B2, 'reaches as 10.131.2.1'],
  [A1, N2, 'reaches as 10.122.70.72'],
  [A2, OUT, 'reaches as 10.122.70.73'],
  [N1, N2, 'reaches as 10.122.70.72'],
  [OUT, N1, 'reaches as 198.51.100.10'],
];

for (const [from, to, is] of ROWS) {
  test(`expect() says that ${from.name} → ${to.name} ${is}`, () => {
    const it = expect(from, to);
    const more = it.kind === 'reaches' ? ` as ${it.client}` : it.kind === 'blocked' ? ` by ${it.by.name}` : '';
    assert.equal(`${it.kind}${more}`, is);
  });
}
