import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodObject, ServiceObject } from '@tenet/model';
import { endpointGroups, isSelecting } from './endpoint-groups.ts';

const service = (spec: Partial<ServiceObject['spec']> = {}): ServiceObject => ({
  metadata: { namespace: 'alpha', name: 'web', uid: 'service' },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
});

interface PodFacts {
  readonly name?: string;
  readonly ip?: string;
  readonly labels?: Record<string, string>;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly going?: boolean;
  readonly ports?: NonNullable<PodObject['spec']['containers'][number]['ports']>;
}

function pod({
  name = 'a',
  ip = '10.131.2.2',
  labels,
  ready = true,
  phase = 'Running',
  going,
  ports,
}: PodFacts): PodObject {
  return {
    metadata: {
      namespace: 'alpha',
      name,
      uid: `uid-${name}`,
      labels: labels ?? { app: 'web', tier: 'front' },
      ...(going ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ...(ports === undefined ? {} : { ports }) }] },
    status: {
      phase,
      ...(ip === '' ? {} : { podIP: ip }),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

const NO_ZONES = () => undefined;
const groupsOf = (
  spec: Partial<ServiceObject['spec']>,
  pods: PodObject[],
  zoneOf: (node: string) => string | undefined = NO_ZONES,
) => endpointGroups(service(spec), { pods, zoneOf });

describe('endpointGroups() leaves out', () => {
  // biome-ignore format: one pod a row
  const rows: readonly (readonly [what: string, facts: PodFacts])[] = [
    ['a pod without the labels', { labels: { app: 'db' } }],
    ['a pod with no label at all', { labels: {} }],
    ['a pod without an address', { ip: '' }],
    ['a pod that has ended well', { phase: 'Succeeded' }],
    ['a pod that has failed', { phase: 'Failed' }],
  ];
  for (const [what, facts] of rows) test(what, () => assert.deepEqual(groupsOf({}, [pod(facts)]), []));
});

describe('endpointGroups() says of', () => {
  // biome-ignore format: one pod a row
  const rows: readonly (readonly [what: string, facts: PodFacts, spec: Partial<ServiceObject['spec']>, conditions: [ready: boolean, serving: boolean, terminating: boolean]])[] = [
    ['an unready pod', { ready: false }, {}, [false, false, false]],
    ['an unready pod of a service that publishes those', { ready: false }, { publishNotReadyAddresses: true }, [true, false, false]],
    ['a pod that is going', { going: true }, {}, [false, true, true]],
    ['a pod that is going and does not answer', { going: true, ready: false }, {}, [false, false, true]],
    ['a ready pod', {}, {}, [true, true, false]],
  ];
  for (const [what, facts, spec, [ready, serving, terminating]] of rows) {
    test(`${what} that it is ready ${ready}, serving ${serving}, terminating ${terminating}`, () => {
      const endpoints = groupsOf(spec, [pod(facts)]).flatMap((group) => group.endpoints);
      assert.deepEqual(
        endpoints.map(({ conditions }) => conditions),
        [{ ready, serving, terminating }],
      );
    });
  }
});

test('endpointGroups() names the pod, its node and its zone', () => {
  const [group] = groupsOf({}, [pod({})], () => 'east');
  assert.deepEqual(group?.endpoints, [
    {
      addresses: ['10.131.2.2'],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'n1',
      zone: 'east',
      targetRef: { kind: 'Pod', namespace: 'alpha', name: 'a', uid: 'uid-a' },
    },
  ]);
});

test('endpointGroups() gives hints when the service asks for them, and there is a zone', () => {
  const hints = (trafficDistribution: string, zone?: string) =>
    groupsOf({ trafficDistribution }, [pod({})], () => zone)[0]?.endpoints[0]?.hints;
  assert.equal(hints('PreferClose'), undefined);
  assert.deepEqual(hints('PreferClose', 'east'), { forZones: [{ name: 'east' }] });
  assert.deepEqual(hints('PreferSameNode', 'east'), { forZones: [{ name: 'east' }], forNodes: [{ name: 'n1' }] });
});

test('endpointGroups() finds target ports by name and protocol, and groups pods that differ in them', () => {
  const spec = {
    ports: [
      { name: 'http', port: 80, targetPort: 'web' },
      { name: 'dns', port: 53, protocol: 'UDP', targetPort: 'web' },
    ],
  };
  const tcp = { name: 'web', containerPort: 8080 };
  const udp = { name: 'web', containerPort: 8053, protocol: 'UDP' };
  const groups = groupsOf(spec, [
    pod({ name: 'c', ip: '10.131.2.4', ports: [tcp, udp] }),
    pod({ name: 'b', ip: '10.131.2.3', ports: [tcp] }),
    pod({ name: 'a', ip: '10.131.2.2', ports: [tcp, udp] }),
  ]);
  const http = { name: 'http', protocol: 'TCP', port: 8080 };
  assert.deepEqual(
    groups.map(({ ports, endpoints }) => [ports, endpoints.map(({ targetRef }) => targetRef?.name)]),
    [
      [
        [http, { name: 'dns', protocol: 'UDP', port: 8053 }],
        ['a', 'c'],
      ],
      [[http], ['b']],
    ],
  );
});

test('isSelecting() is false for an alias and for a service whose endpoints are hand-made', () => {
  assert.equal(isSelecting(service({ selector: {} })), false);
  assert.equal(isSelecting(service({ type: 'ExternalName' })), false);
  assert.equal(isSelecting(service()), true);
});
