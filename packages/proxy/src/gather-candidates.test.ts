import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSlice, ServiceEndpoint } from '@tenet/model';
import { Ip } from '@tenet/std';
import { gatherCandidates } from './gather-candidates.ts';

const READY = { ready: true, serving: true, terminating: false };
const GOING = { ready: false, serving: true, terminating: true };
const STARTING = { ready: false, serving: false, terminating: false };

const at = (ip: string, rest: Omit<ServiceEndpoint, 'ip'> = READY): ServiceEndpoint => ({ ip: Ip.parse(ip), ...rest });

const slice = (name: string, endpoints: readonly ServiceEndpoint[], ports = [portOf('http', 8080)]): EndpointSlice => ({
  namespace: 'alpha',
  name,
  service: 'web',
  isManaged: true,
  ports,
  endpoints,
});

function portOf(name: string, port: number, protocol: 'tcp' | 'udp' = 'tcp') {
  return { name, protocol, port };
}

const HTTP = { name: 'http', protocol: 'tcp' } as const;
const sockets = (slices: readonly EndpointSlice[], port: Parameters<typeof gatherCandidates>[1] = HTTP) =>
  gatherCandidates(slices, port, 'here').map(({ ip, port: number }) => `${ip}:${number}`);

describe('gatherCandidates() finds endpoints by the name and the protocol of the port', () => {
  const ports = [portOf('http', 8080), portOf('dns', 5353, 'udp'), portOf('dns', 5354), portOf('', 9000)];
  const slices = [slice('a', [at('10.128.0.1')], ports)];

  test('not by its number', () => assert.deepEqual(sockets(slices, HTTP), ['10.128.0.1:8080']));
  test('of the same protocol', () =>
    assert.deepEqual(sockets(slices, { name: 'dns', protocol: 'udp' }), ['10.128.0.1:5353']));
  test('without a name', () => assert.deepEqual(sockets(slices, { name: '', protocol: 'tcp' }), ['10.128.0.1:9000']));
  test('none of another protocol', () => assert.deepEqual(sockets(slices, { name: 'http', protocol: 'udp' }), []));
});

test('gatherCandidates() takes those of all slices, which may have other numbers for the port', () => {
  const slices = [slice('a', [at('10.128.0.1')]), slice('b', [at('10.128.0.2')], [portOf('http', 8081)])];
  assert.deepEqual(sockets(slices), ['10.128.0.1:8080', '10.128.0.2:8081']);
});

test('gatherCandidates() takes one address at two ports as two', () => {
  const slices = [slice('a', [at('10.128.0.1')]), slice('b', [at('10.128.0.1')], [portOf('http', 8081)])];
  assert.deepEqual(sockets(slices), ['10.128.0.1:8080', '10.128.0.1:8081']);
});

test('gatherCandidates() leaves out IPv6', () => {
  assert.deepEqual(sockets([slice('a', [at('fd01::1'), at('10.128.0.1')])]), ['10.128.0.1:8080']);
});

// biome-ignore format: one row per line
const TWINS: readonly [which: string, a: Omit<ServiceEndpoint, 'ip'>, b: Omit<ServiceEndpoint, 'ip'>, wins: 'a' | 'b'][] = [
  ['that is ready before one that is going',                  GOING,                                  READY,                                'b'],
  ['that is ready before one that starts',                    READY,                                  STARTING,                             'a'],
  ['that is going and serves before one that starts',         STARTING,                               GOING,                                'b'],
  ['that this node holds, of two in one state',               { ...READY, nodeName: 'there' },        { ...READY, nodeName: 'here' },       'b'],
  ['that is ready before one that this node holds',           { ...READY, nodeName: 'there' },        { ...GOING, nodeName: 'here' },       'a'],
  ['of the first slice, of two that are as good',             { ...READY, forZones: ['east'] },       { ...READY, forZones: ['west'] },     'a'],
];

describe('gatherCandidates() takes of one endpoint in two slices the one', () => {
  for (const [which, a, b, wins] of TWINS) {
    test(which, () => {
      const slices = [slice('a', [at('10.128.0.1', a)]), slice('b', [at('10.128.0.1', b)])];
      const expected = wins === 'a' ? a : b;
      for (const order of [slices, slices.toReversed()]) {
        const found = gatherCandidates(order, HTTP, 'here');
        assert.equal(found.length, 1);
        assert.equal(found[0]?.ready, expected.ready);
        assert.equal(found[0]?.terminating, expected.terminating);
        assert.equal(found[0]?.nodeName, expected.nodeName ?? '');
        assert.deepEqual(found[0]?.forZones, expected.forZones ?? []);
      }
    });
  }
});
