import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSliceObject, ServiceObject } from '@tenet/model';
import { endpointsOfHost, hostOf } from './choose-endpoint.ts';

const service = (name: string, host: string | undefined, ports: ServiceObject['spec']['ports']): ServiceObject => ({
  metadata: { namespace: 'alpha', name, ...(host === undefined ? {} : { annotations: { 'tenet.io/lab-host': host } }) },
  spec: ports === undefined ? {} : { ports },
});
const slice = (name: string, rest: Omit<EndpointSliceObject, 'metadata' | 'addressType'>): EndpointSliceObject => ({
  metadata: { namespace: 'alpha', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ...rest,
});

const SERVICES = [
  service('dns', undefined, [{ port: 53 }]),
  service('web', 'web.example', [
    { name: 'echo', protocol: 'UDP', port: 8081 },
    { name: 'http', port: 80 },
  ]),
  service('none', 'none.example', undefined),
];
const http = { name: 'http', protocol: 'TCP', port: 8080 };
const SLICES = [
  slice('web', {
    ports: [{ name: 'echo', protocol: 'UDP', port: 8081 }, http],
    endpoints: [
      { addresses: ['10.130.0.4'], conditions: { ready: true } },
      { addresses: ['10.130.0.5'], conditions: { ready: false, serving: true, terminating: true } },
    ],
  }),
  slice('web', { ports: [http], endpoints: [{ addresses: ['10.130.0.4'] }, { addresses: ['10.130.0.2'] }] }),
  slice('web', { ports: [{ name: 'http', port: null }], endpoints: [{ addresses: ['10.130.0.6'] }] }),
  slice('dns', { ports: [http], endpoints: [{ addresses: ['10.130.0.7'] }] }),
];

test('endpointsOfHost() is undefined when no service asks for the host', () =>
  assert.equal(endpointsOfHost('dns.example', { services: SERVICES, slices: SLICES }), undefined));

test('endpointsOfHost() is empty when the service has no endpoint', () =>
  assert.deepEqual(endpointsOfHost('none.example', { services: SERVICES, slices: SLICES }), []));

test('endpointsOfHost() gives each ready endpoint of the first TCP port once, in order', () =>
  assert.deepEqual(endpointsOfHost('web.example', { services: SERVICES, slices: SLICES }), [
    { ip: '10.130.0.2', port: 8080 },
    { ip: '10.130.0.4', port: 8080 },
  ]));

for (const [header, host] of [
  [undefined, ''],
  ['Web.Example', 'web.example'],
  ['web.example:8080', 'web.example'],
] as const) {
  test(`hostOf() is ${JSON.stringify(host)} when the header is ${header}`, () => assert.equal(hostOf(header), host));
}
