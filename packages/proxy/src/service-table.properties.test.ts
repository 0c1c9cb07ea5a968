import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LABEL, parseEndpointSlice, parseService } from '@tenet/model';
import { Ip, Prefix } from '@tenet/std';
import fc from 'fast-check';
import type { ProxiedPort, ProxyNode } from './proxied-port.ts';
import { ServiceTable } from './service-table.ts';

const NODE: ProxyNode = {
  name: 'here',
  zone: 'east',
  clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  serviceNetwork: Prefix.parse('172.30.0.0/16'),
  nodePortAddresses: [],
};

/** One thing that a table is told: about which object, and what it is from now on. */
type Told =
  | { readonly about: 'service'; readonly key: string; readonly value: ReturnType<typeof parseService> | undefined }
  | { readonly about: 'slice'; readonly key: string; readonly value: ReturnType<typeof parseEndpointSlice> | undefined }
  | { readonly about: 'portal'; readonly key: string; readonly value: ProxiedPort['portal'] };

function tell(table: ServiceTable, told: Told): void {
  switch (told.about) {
    case 'service':
      table.setService(told.key, told.value);
      break;
    case 'slice':
      table.setSlice(told.key, told.value);
      break;
    case 'portal':
      table.setPortal(told.key, told.value);
      break;
  }
}

/** Few names and addresses, so that much of it is about the same. */
const names = fc.constantFrom('a', 'b', 'b-c', 'd');
const portNames = fc.constantFrom('', 'http');
const published = fc.uniqueArray(fc.constantFrom('192.0.2.7', '192.0.2.8', '10.128.0.5', '127.0.0.1'), {
  maxLength: 2,
});

const services = fc
  .record({
    name: names,
    gone: fc.boolean(),
    clusterIP: fc.constantFrom('172.30.0.1', '172.30.0.2', '172.30.0.3', 'None'),
    externalIPs: published,
    balancer: published,
    ports: fc.uniqueArray(
      fc.record({ name: portNames, port: fc.constantFrom(80, 81), nodePort: fc.constantFrom(0, 30_080, 30_081) }),
      { maxLength: 2, selector: ({ name }) => name },
    ),
    createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-11-23T00:00:00Z'),
    policy: fc.constantFrom('Cluster', 'Local'),
  })
  .map(({ name, gone, balancer, createdAt, policy, ports, ...spec }): Told => {
    const distinct = ports.filter(({ port }, at) => ports.findIndex((other) => other.port === port) === at);
    const value = parseService({
      metadata: { name, namespace: 'ns', uid: name, creationTimestamp: createdAt },
      spec: {
        ...spec,
        ports: distinct,
        type: 'LoadBalancer',
        externalTrafficPolicy: policy,
        healthCheckNodePort: 31_000,
      },
      status: { loadBalancer: { ingress: balancer.map((ip) => ({ ip })) } },
    });
    return { about: 'service', key: `ns/${name}`, value: gone ? undefined : value };
  });

const slices = fc
  .record({
    name: fc.constantFrom('s1', 's2', 's3'),
    gone: fc.boolean(),
    of: names,
    port: portNames,
    endpoints: fc.array(
      fc.record({
        ip: fc.constantFrom('10.128.0.5', '10.128.2.6', '198.51.100.9', '127.0.0.1'),
        nodeName: fc.constantFrom('here', 'there'),
        conditions: fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }),
        zones: fc.subarray(['east', 'west']),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ name, gone, of, port, endpoints }): Told => {
    const value = parseEndpointSlice({
      metadata: { name, namespace: 'ns', labels: { [LABEL.serviceName]: of } },
      addressType: 'IPv4',
      ports: [{ name: port, port: 8080 }],
      endpoints: endpoints.map(({ ip, zones, ...rest }) => ({
        ...rest,
        addresses: [ip],
        hints: { forZones: zones.map((zone) => ({ name: zone })) },
      })),
    });
    return { about: 'slice', key: `ns/${name}`, value: gone ? undefined : value };
  });

const portals = fc.record({ name: names, port: portNames, at: fc.constantFrom(undefined, 40_001, 40_002) }).map(
  ({ name, port, at }): Told => ({
    about: 'portal',
    key: `ns/${name}:${port}`,
    value: at === undefined ? undefined : { ip: Ip.parse('10.128.0.1'), port: at },
  }),
);

const histories = fc.array(fc.oneof(services, slices, portals), { maxLength: 30 });

/** What is true in the end: the last word on each object. */
function endOf(history: readonly Told[]): readonly Told[] {
  return [...new Map(history.map((told) => [`${told.about} ${told.key}`, told])).values()];
}

const textOf = (map: ReadonlyMap<string, unknown>): string =>
  JSON.stringify([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
const everythingOf = (table: ServiceTable): readonly string[] => [
  textOf(table.ports()),
  textOf(table.healthChecks()),
  JSON.stringify(table.ignoredAddresses()),
];

test('ServiceTable ends the same by any way that leads to the same objects', () => {
  fc.assert(
    fc.property(
      histories.chain((history) => {
        const end = endOf(history);
        return fc.tuple(fc.constant(history), fc.shuffledSubarray([...end], { minLength: end.length }), fc.nat(7));
      }),
      ([history, end, everyNth]) => {
        const long = new ServiceTable(NODE);
        for (const [at, told] of history.entries()) {
          tell(long, told);
          if (at % (everyNth + 1) === 0) long.ports();
        }
        const short = new ServiceTable(NODE);
        for (const told of end) if (told.value !== undefined) tell(short, told);
        assert.deepEqual(everythingOf(long), everythingOf(short));
      },
    ),
  );
});

test('ServiceTable.ports() leaves to every address, protocol and port one service, and forwards to sound addresses', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const table = new ServiceTable(NODE);
      for (const told of history) tell(table, told);
      const ports = [...table.ports().values()];
      const places = ports.flatMap(({ protocol, port, nodePort, clusterIp, externalIps, loadBalancerIps }) => [
        ...[clusterIp, ...externalIps, ...loadBalancerIps].map((ip) => `${protocol} ${ip}:${port}`),
        ...(nodePort === undefined ? [] : [`${protocol} ${nodePort}`]),
      ]);
      assert.deepEqual(places.toSorted(), [...new Set(places)].sort());
      for (const port of ports) {
        assert.doesNotMatch(JSON.stringify([port.externalIps, port.loadBalancerIps]), /10\.128|127\.0|172\.30/);
        assert.doesNotMatch(JSON.stringify([port.clusterEndpoints, port.localEndpoints]), /127\.0|172\.30/);
        assert.equal(port.portal !== undefined && port.hasEndpointsSomewhere, false);
        assert.equal(port.clusterEndpoints.length > 0, port.hasEndpointsSomewhere);
      }
    }),
  );
});

test('ServiceTable.ports() keeps every object that did not change, the map when none did, and what it gave before', () => {
  fc.assert(
    fc.property(histories, fc.oneof(services, slices, portals), (history, last) => {
      const table = new ServiceTable(NODE);
      for (const told of history) tell(table, told);
      const before = table.ports();
      const said = textOf(before);
      tell(table, last);
      const after = table.ports();
      assert.equal(textOf(before), said);
      assert.equal(after === before, textOf(after) === said);
      for (const [key, port] of after) {
        const earlier = before.get(key);
        if (earlier !== undefined) assert.equal(port === earlier, JSON.stringify(port) === JSON.stringify(earlier));
      }
    }),
  );
});
