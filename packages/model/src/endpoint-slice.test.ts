import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEndpointSlice } from './endpoint-slice.ts';
import { LABEL } from './labels.ts';
import type { EndpointSliceObject } from './objects.ts';

type Endpoint = NonNullable<EndpointSliceObject['endpoints']>[number];
type Port = NonNullable<EndpointSliceObject['ports']>[number];

const slice = (change: Partial<EndpointSliceObject>): EndpointSliceObject => ({
  metadata: { name: 'logging-es-x7k2p', namespace: 'logging', labels: { [LABEL.serviceName]: 'logging-es' } },
  addressType: 'IPv4',
  ...change,
});

const addresses = (addressType: string, ...lists: string[][]): readonly string[] =>
  parseEndpointSlice(slice({ addressType, endpoints: lists.map((each) => ({ addresses: each })) })).endpoints.map(
    ({ ip }) => `${ip}`,
  );

test('parseEndpointSlice() reads the article’s endpoint', () => {
  const { endpoints, ...rest } = parseEndpointSlice(
    slice({
      ports: [{ name: 'es', protocol: 'TCP', port: 9200 }],
      endpoints: [
        {
          addresses: ['10.131.2.45'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'dt-infra1',
          zone: 'a',
          hints: { forZones: [{ name: 'a' }, { name: 'b' }], forNodes: [{ name: 'dt-infra1' }] },
          targetRef: { kind: 'Pod', name: 'logging-es-0' },
        },
      ],
    }),
  );
  assert.deepEqual(rest, {
    namespace: 'logging',
    name: 'logging-es-x7k2p',
    service: 'logging-es',
    isManaged: false,
    ports: [{ name: 'es', protocol: 'tcp', port: 9200 }],
  });
  assert.deepEqual(
    endpoints.map(({ ip, ...state }) => ({ ip: `${ip}`, ...state })),
    [
      {
        ip: '10.131.2.45',
        ready: true,
        serving: true,
        terminating: false,
        nodeName: 'dt-infra1',
        forZones: ['a', 'b'],
        forNodes: ['dt-infra1'],
      },
    ],
  );
});

test('parseEndpointSlice() reads one that is nobody’s and has nothing', () => {
  const bare = { metadata: { name: 'a', namespace: 'b' }, addressType: 'IPv4' };
  const nothing = { namespace: 'b', name: 'a', service: '', isManaged: false, ports: [], endpoints: [] };
  assert.deepEqual(parseEndpointSlice(bare), nothing);
  assert.deepEqual(parseEndpointSlice({ ...bare, ports: null, endpoints: null }), nothing);
});

// biome-ignore format: one row per line
const LABELS: readonly [what: string, labels: Record<string, string>, isManaged: boolean][] = [
  ['no label',                            {}, false],
  ['an empty one',                        { [LABEL.managedBy]: '' }, false],
  ['that of the controller of mirrors',   { [LABEL.managedBy]: 'endpointslicemirroring-controller.k8s.io' }, false],
  ['that of the cluster’s controller',    { [LABEL.managedBy]: 'endpointslice-controller.k8s.io' }, true],
];

describe('parseEndpointSlice() reads whether the cluster’s controller keeps it, with', () => {
  for (const [what, labels, isManaged] of LABELS) {
    test(what, () => {
      const read = parseEndpointSlice(slice({ metadata: { name: 'a', namespace: 'b', labels } }));
      assert.equal(read.isManaged, isManaged);
    });
  }
});

// biome-ignore format: one row per line
const ADDRESSES: readonly [what: string, addressType: string, lists: string[][], is: readonly string[]][] = [
  ['no name, since it may change',          'FQDN', [['es.example.org']],                      []],
  ['nothing of a type that is not known',   'IPv8', [['10.131.2.45']],                         []],
  ['no address that is none',               'IPv4', [['10.131.2'], ['10.131.2.45']],           ['10.131.2.45']],
  ['no address of the other family',        'IPv4', [['fd01::45'], ['10.131.2.45']],           ['10.131.2.45']],
  ['nothing of an endpoint without any',    'IPv4', [[]],                                      []],
  ['the first of several, which are one',   'IPv4', [['10.131.2.45', '10.131.2.46']],          ['10.131.2.45']],
  ['IPv6',                                  'IPv6', [['fd01::45']],                            ['fd01::45']],
];

describe('parseEndpointSlice() takes of addresses', () => {
  for (const [what, addressType, lists, is] of ADDRESSES) {
    test(what, () => assert.deepEqual(addresses(addressType, ...lists), is));
  }
});

// biome-ignore format: one row per line
const CONDITIONS: readonly [conditions: Endpoint['conditions'], is: readonly [ready: boolean, serving: boolean, terminating: boolean]][] = [
  [undefined,                                              [true, true, false]],
  [{},                                                     [true, true, false]],
  [{ ready: true },                                        [true, true, false]],
  [{ ready: false },                                       [false, false, false]],
  [{ ready: false, serving: true, terminating: true },     [false, true, true]],
  [{ ready: false, terminating: true },                    [false, false, true]],
  // publishNotReadyAddresses: the controller says ready whatever the pod's own state.
  [{ ready: true, serving: false, terminating: false },    [true, false, false]],
];

describe('parseEndpointSlice() reads conditions, absent ones as the API has them', () => {
  for (const [conditions, is] of CONDITIONS) {
    test(JSON.stringify(conditions) ?? 'none', () => {
      const endpoint: Endpoint = { addresses: ['10.131.2.45'], ...(conditions === undefined ? {} : { conditions }) };
      const [read] = parseEndpointSlice(slice({ endpoints: [endpoint] })).endpoints;
      assert.deepEqual([read?.ready, read?.serving, read?.terminating], is);
    });
  }
});

// biome-ignore format: one row per line
const PORTS: readonly [what: string, port: Port, is: readonly object[]][] = [
  ['none without a number',          { name: 'es', port: null },                        []],
  ['none when the number is absent', { name: 'es' },                                    []],
  ['none at 0',                      { name: 'es', port: 0 },                           []],
  ['none of an unknown protocol',    { name: 'es', protocol: 'DCCP', port: 9200 },      []],
  ['one without a name, for TCP',    { name: null, port: 9200 },                        [{ name: '', protocol: 'tcp', port: 9200 }]],
  ['one with a name, for SCTP',      { name: 'm3ua', protocol: 'SCTP', port: 2905 },    [{ name: 'm3ua', protocol: 'sctp', port: 2905 }]],
];

describe('parseEndpointSlice() takes of ports', () => {
  for (const [what, port, is] of PORTS) {
    test(what, () => assert.deepEqual(parseEndpointSlice(slice({ ports: [port] })).ports, is));
  }
});

test('parseEndpointSlice() has no hints where the lists are empty, and no node where the name is', () => {
  const [read] = parseEndpointSlice(
    slice({ endpoints: [{ addresses: ['10.131.2.45'], nodeName: '', hints: { forZones: [], forNodes: [] } }] }),
  ).endpoints;
  assert(read !== undefined);
  assert.deepEqual(Object.keys(read).sort(), ['ip', 'ready', 'serving', 'terminating']);
});
