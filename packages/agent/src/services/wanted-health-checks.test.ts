import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EndpointSlice, parseEndpointSlice, parseService, type Service } from '@tenet/model';
import { wantedHealthChecks } from './wanted-health-checks.ts';

const HERE = 'n1';

function service(
  key: string,
  port: number | undefined,
  { day = 1, local = true }: { day?: number; local?: boolean } = {},
): Service {
  const [namespace = '', name = ''] = key.split('/');
  return parseService({
    metadata: { namespace, name, uid: key, creationTimestamp: `2026-01-0${day}T00:00:00Z` },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '172.30.0.9',
      ports: [{ port: 80 }],
      ...(local && { externalTrafficPolicy: 'Local' }),
      ...(port !== undefined && { healthCheckNodePort: port }),
    },
  });
}

interface EndpointWords {
  readonly ip: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
}

type SliceWords = readonly [service: string, endpoints: readonly EndpointWords[]];

function slices(...all: readonly SliceWords[]): Map<string, EndpointSlice> {
  return new Map(
    all.map(([key, endpoints], at) => {
      const [namespace = '', name = ''] = key.split('/');
      const metadata = { namespace, name: `${name}-${at}`, labels: { 'kubernetes.io/service-name': name } };
      const slice = parseEndpointSlice({
        metadata,
        addressType: 'IPv4',
        ports: [{ name: '', port: 80 }],
        endpoints: endpoints.map(({ ip, node = HERE, ready = true, terminating = false }) => ({
          addresses: [ip],
          nodeName: node,
          conditions: { ready, serving: true, terminating },
        })),
      });
      return [`${namespace}/${name}-${at}`, slice];
    }),
  );
}

describe('wantedHealthChecks()', () => {
  const NONE = [
    { name: 'has no port for it', of: service('a/web', undefined) },
    { name: 'has policy Cluster, which no load balancer asks about', of: service('a/web', 32_000, { local: false }) },
  ];
  for (const { name, of } of NONE) {
    test(`has none for a service that ${name}`, () => {
      assert.equal(wantedHealthChecks([of], slices(['a/web', [{ ip: '10.131.2.5' }]]), HERE).size, 0);
    });
  }

  const COUNTED: readonly { readonly name: string; readonly of: readonly SliceWords[]; readonly count: number }[] = [
    { name: 'no slice at all', of: [], count: 0 },
    { name: 'an endpoint of another node', of: [['a/web', [{ ip: '10.130.0.5', node: 'n2' }]]], count: 0 },
    { name: 'an endpoint that is not ready', of: [['a/web', [{ ip: '10.131.2.5', ready: false }]]], count: 0 },
    {
      name: 'one that goes, and still serves',
      of: [['a/web', [{ ip: '10.131.2.5', ready: false, terminating: true }]]],
      count: 0,
    },
    {
      name: "another service's endpoint",
      of: [
        ['a/other', [{ ip: '10.131.2.5' }]],
        ['b/web', [{ ip: '10.131.2.6' }]],
      ],
      count: 0,
    },
    {
      name: 'two of this node among others',
      of: [['a/web', [{ ip: '10.131.2.5' }, { ip: '10.131.2.6' }, { ip: '10.130.0.5', node: 'n2' }]]],
      count: 2,
    },
    {
      name: 'one address in two slices',
      of: [
        ['a/web', [{ ip: '10.131.2.5' }]],
        ['a/web', [{ ip: '10.131.2.5' }]],
      ],
      count: 1,
    },
  ];
  for (const { name, of, count } of COUNTED) {
    test(`counts ${count} for ${name}`, () => {
      const wanted = wantedHealthChecks([service('a/web', 32_000)], slices(...of), HERE);
      assert.deepEqual([...wanted], [[32_000, { namespace: 'a', service: 'web', localEndpoints: count }]]);
    });
  }

  test('leaves a port to the older of two services, whichever is heard of first', () => {
    const two = [service('a/young', 32_000, { day: 2 }), service('b/old', 32_000, { day: 1 })];
    for (const order of [two, two.toReversed()])
      assert.equal(wantedHealthChecks(order, new Map(), HERE).get(32_000)?.service, 'old');
  });
});
