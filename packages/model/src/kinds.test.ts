import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiVersionOf, type KindName, kindPath } from './kinds.ts';

// biome-ignore format: one row per line
const PATHS: readonly [kind: KindName, at: { namespace?: string; name?: string }, path: string][] = [
  ['Node',         {},                                '/api/v1/nodes'],
  ['Node',         { name: 'dt-infra1' },             '/api/v1/nodes/dt-infra1'],
  ['Pod',          {},                                '/api/v1/pods'],
  ['Pod',          { namespace: 'a' },                '/api/v1/namespaces/a/pods'],
  ['Pod',          { namespace: 'a', name: 'b' },     '/api/v1/namespaces/a/pods/b'],
  ['Event',        { namespace: 'a', name: 'b/../c' }, '/api/v1/namespaces/a/events/b%2F..%2Fc'],
  ['NetNamespace', { name: 'default' },               '/apis/network.openshift.io/v1/netnamespaces/default'],
  ['HostSubnet',   { namespace: 'ignored' },          '/apis/network.openshift.io/v1/hostsubnets'],
];

describe('kindPath()', () => {
  for (const [kind, at, path] of PATHS) {
    test(`is ${path} for ${kind} ${JSON.stringify(at)}`, () => assert.equal(kindPath(kind, at), path));
  }
});

test('apiVersionOf() leaves the empty core group out', () => {
  assert.equal(apiVersionOf('Node'), 'v1');
  assert.equal(apiVersionOf('ClusterNetwork'), 'network.openshift.io/v1');
});
