import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip, Prefix } from '@tenet/std';
import type { ProxiedPort } from './proxied-port.ts';
import { isSamePort } from './same-port.ts';

const socket = (ip: string, port: number) => ({ ip: Ip.parse(ip), port });

/** Made anew each time, so that nothing of two is the same object. */
const made = (): Required<ProxiedPort> => ({
  namespace: 'logging',
  service: 'logging-es',
  portName: '',
  protocol: 'tcp',
  clusterIp: Ip.parse('172.30.229.30'),
  port: 9200,
  nodePort: 30_920,
  healthCheckNodePort: 31_920,
  externalIps: [Ip.parse('192.0.2.7')],
  loadBalancerIps: [Ip.parse('192.0.2.8')],
  sourceRanges: [Prefix.parse('198.51.100.0/24')],
  affinitySeconds: 10_800,
  internalTrafficPolicy: 'Cluster',
  externalTrafficPolicy: 'Cluster',
  clusterEndpoints: [socket('10.131.2.45', 9200)],
  localEndpoints: [socket('10.131.2.45', 9200)],
  hasEndpointsSomewhere: true,
  portal: socket('10.131.2.1', 40_001),
});

/** Other values, one or more a field: a field that is added must be told apart here too. */
const OTHERS: { readonly [F in keyof ProxiedPort]-?: readonly ProxiedPort[F][] } = {
  namespace: ['alpha'],
  service: ['web'],
  portName: ['http'],
  protocol: ['udp'],
  clusterIp: [Ip.parse('172.30.229.31')],
  port: [9201],
  nodePort: [30_921, undefined],
  healthCheckNodePort: [31_921, undefined],
  externalIps: [[], [Ip.parse('192.0.2.9')], [Ip.parse('192.0.2.7'), Ip.parse('192.0.2.9')]],
  loadBalancerIps: [[], [Ip.parse('192.0.2.9')]],
  sourceRanges: [[], [Prefix.parse('198.51.100.0/25')]],
  affinitySeconds: [60, undefined],
  internalTrafficPolicy: ['Local'],
  externalTrafficPolicy: ['Local'],
  clusterEndpoints: [[], [socket('10.131.2.45', 9201)], [socket('10.131.2.46', 9200)]],
  localEndpoints: [[], [socket('10.131.2.45', 9201)], [socket('10.131.2.46', 9200)]],
  hasEndpointsSomewhere: [false],
  portal: [socket('10.131.2.1', 40_002), undefined],
};

describe('isSamePort() tells apart two that differ in', () => {
  for (const [field, values] of Object.entries(OTHERS)) {
    test(field, () => {
      for (const value of values) {
        const other = { ...made(), [field]: value };
        assert.equal(isSamePort(made(), other), false);
        assert.equal(isSamePort(other, made()), false);
      }
    });
  }
});

test('isSamePort() holds for two that say the same with other objects', () => {
  assert.equal(isSamePort(made(), made()), true);
  const { portal: _, affinitySeconds: __, nodePort: ___, ...bare } = made();
  assert.equal(isSamePort(bare, { ...bare }), true);
});
