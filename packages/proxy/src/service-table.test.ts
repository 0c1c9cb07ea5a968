import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LABEL, parseEndpointSlice, parseService, type ServiceObject } from '@tenet/model';
import { Ip, Prefix } from '@tenet/std';
import type { ProxyNode } from './proxied-port.ts';
import { ServiceTable } from './service-table.ts';

const NODE: ProxyNode = {
  name: 'here',
  clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  serviceNetwork: Prefix.parse('172.30.0.0/16'),
  nodePortAddresses: [],
};
const PORTAL = { ip: Ip.parse('10.128.0.1'), port: 40_001 };

interface Made extends Partial<ServiceObject['spec']> {
  readonly name?: string;
  readonly balancer?: readonly string[];
  readonly createdAt?: string;
}

function service({ name = 'web', balancer = [], createdAt = '', ...spec }: Made = {}) {
  return parseService({
    metadata: { name, namespace: 'alpha', uid: `uid-of-${name}`, creationTimestamp: createdAt },
    spec: { clusterIP: '172.30.0.1', ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: { ingress: balancer.map((ip) => ({ ip })) } },
  });
}

type Conditions = { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };

function slice(addresses: Readonly<Record<string, Conditions>>, { of = 'web', node = 'here', name = 'a' } = {}) {
  return parseEndpointSlice({
    metadata: { name, namespace: 'alpha', labels: { [LABEL.serviceName]: of } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: Object.entries(addresses).map(([ip, conditions]) => ({
      addresses: [ip],
      conditions,
      ...(node === '' ? {} : { nodeName: node }),
    })),
  });
}

/** A table that knows one service and, when given, its slice. */
function tableOf(made: Made, endpoints?: ReturnType<typeof slice>): ServiceTable {
  const table = new ServiceTable(NODE);
  table.setService('alpha/web', service(made));
  table.setSlice('alpha/a', endpoints);
  return table;
}

const READY = { ready: true };
const GOING = { ready: false, serving: true, terminating: true };
const sockets = (list: readonly { readonly ip: Ip; readonly port: number }[] = []) =>
  list.map(({ ip, port }) => `${ip}:${port}`);

// biome-ignore format: one row per line
const NOT_SERVED: readonly [what: string, made: Made][] = [
  ['a headless one',                              { clusterIP: 'None' }],
  ['one that has no cluster IP yet',              { clusterIP: '' }],
  ['one of type ExternalName',                    { type: 'ExternalName', externalName: 'example.org' }],
  ['one with a cluster IP of IPv6 only',          { clusterIPs: ['fd02::1'] }],
  ['one outside the service network',             { clusterIP: '10.0.0.1' }],
  ['one without ports',                           { ports: [] }],
];

describe('ServiceTable does not serve', () => {
  for (const [what, made] of NOT_SERVED) {
    test(what, () => {
      const table = tableOf({ externalIPs: ['192.0.2.7'], ...made }, slice({ '10.128.0.5': READY }));
      assert.equal(table.ports().size, 0);
    });
  }

  test('one that another proxy forwards, until that is over', () => {
    const table = tableOf({}, slice({ '10.128.0.5': READY }));
    table.setService('alpha/web', { ...service({ externalIPs: ['192.0.2.7', '127.0.0.1'] }), proxyName: '' });
    assert.deepEqual([table.ports().size, table.ignoredAddresses()], [0, []]);
    table.setService('alpha/web', service());
    assert.equal(table.ports().size, 1);
  });

  test('an endpoint slice whose service is not there, nor one that is nobody’s', () => {
    const table = new ServiceTable(NODE);
    table.setSlice('alpha/a', slice({ '10.128.0.5': READY }));
    table.setSlice('alpha/b', slice({ '10.128.0.5': READY }, { of: '', name: 'b' }));
    assert.equal(table.ports().size, 0);
    table.setService('alpha/web', service());
    assert.deepEqual(sockets(table.ports().get('alpha/web:')?.clusterEndpoints), ['10.128.0.5:8080']);
  });
});

test('ServiceTable.ports() has all that was said of a port', () => {
  const table = tableOf(
    {
      type: 'LoadBalancer',
      ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
      externalIPs: ['192.0.2.7'],
      balancer: ['192.0.2.8'],
      loadBalancerSourceRanges: ['198.51.100.0/24'],
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
      healthCheckNodePort: 31_080,
      sessionAffinity: 'ClientIP',
    },
    undefined,
  );
  assert.deepEqual([...table.ports().keys()], ['alpha/web:http']);
  assert.equal(
    JSON.stringify(Object.entries(table.ports().get('alpha/web:http') ?? {}).sort()),
    JSON.stringify(
      Object.entries({
        namespace: 'alpha',
        service: 'web',
        portName: 'http',
        protocol: 'tcp',
        clusterIp: '172.30.0.1',
        port: 80,
        nodePort: 30_080,
        healthCheckNodePort: 31_080,
        externalIps: ['192.0.2.7'],
        loadBalancerIps: ['192.0.2.8'],
        sourceRanges: ['198.51.100.0/24'],
        affinitySeconds: 10_800,
        internalTrafficPolicy: 'Local',
        externalTrafficPolicy: 'Local',
        clusterEndpoints: [],
        localEndpoints: [],
        hasEndpointsSomewhere: false,
      }).sort(),
    ),
  );
});

test('ServiceTable takes endpoints of several slices, and each of a service’s ports its own', () => {
  const table = new ServiceTable(NODE);
  const ports = [
    { name: 'http', port: 80 },
    { name: 'dns', protocol: 'UDP', port: 53 },
  ];
  table.setService('alpha/web', service({ ports }));
  const part = (name: string, ip: string, nodeName: string) =>
    parseEndpointSlice({
      metadata: { name, namespace: 'alpha', labels: { [LABEL.serviceName]: 'web' } },
      addressType: 'IPv4',
      ports: [
        { name: 'http', port: 8080 },
        { name: 'dns', protocol: 'UDP', port: 5353 },
      ],
      endpoints: [{ addresses: [ip], nodeName }],
    });
  table.setSlice('alpha/a', part('a', '10.128.0.10', 'there'));
  table.setSlice('alpha/b', part('b', '10.128.0.9', 'here'));
  const http = table.ports().get('alpha/web:http');
  assert.deepEqual(sockets(http?.clusterEndpoints), ['10.128.0.9:8080', '10.128.0.10:8080']);
  assert.deepEqual(sockets(http?.localEndpoints), ['10.128.0.9:8080']);
  const dns = table.ports().get('alpha/web:dns');
  assert.deepEqual(sockets(dns?.clusterEndpoints), ['10.128.0.9:5353', '10.128.0.10:5353']);
});

test('ServiceTable serves hand-made endpoints of no node, and outside the cluster, for policy Cluster only', () => {
  const port = tableOf({}, slice({ '198.51.100.9': {} }, { node: '' }))
    .ports()
    .get('alpha/web:');
  assert.deepEqual(sockets(port?.clusterEndpoints), ['198.51.100.9:8080']);
  assert.deepEqual(sockets(port?.localEndpoints), []);
});

test('ServiceTable serves what publishNotReadyAddresses lets the controller call ready', () => {
  const notReadyPod = { ready: true, serving: false };
  const port = tableOf({ publishNotReadyAddresses: true }, slice({ '10.128.0.5': notReadyPod })).ports();
  assert.deepEqual(sockets(port.get('alpha/web:')?.clusterEndpoints), ['10.128.0.5:8080']);
});

// biome-ignore format: one row per line
const SPECIAL: readonly [ip: string, problem: string][] = [
  ['127.0.0.1',        'is loopback'],
  ['169.254.169.254',  'is link-local'],
  ['224.0.0.251',      'is multicast'],
  ['0.0.0.0',          'is unspecified'],
  ['255.255.255.255',  'is broadcast'],
  ['172.30.0.10',      'is in the service network 172.30.0.0/16'],
];

describe('ServiceTable forwards to no hand-made endpoint at', () => {
  for (const [ip, problem] of SPECIAL) {
    test(`${ip}, says so once, and keeps the rest`, () => {
      const table = tableOf(
        { ports: [{ port: 80 }, { name: 'b', port: 81 }] },
        slice({ [ip]: READY, '10.128.0.5': READY }),
      );
      const second = parseEndpointSlice({
        metadata: { name: 'b', namespace: 'alpha', labels: { [LABEL.serviceName]: 'web' } },
        addressType: 'IPv4',
        ports: [{ name: 'b', port: 8081 }],
        endpoints: [{ addresses: [ip] }],
      });
      table.setSlice('alpha/b', second);
      assert.deepEqual(sockets(table.ports().get('alpha/web:')?.clusterEndpoints), ['10.128.0.5:8080']);
      assert.deepEqual(sockets(table.ports().get('alpha/web:b')?.clusterEndpoints), []);
      assert.deepEqual(table.ignoredAddresses(), [
        { namespace: 'alpha', service: 'web', field: 'endpoints', address: ip, problem },
      ]);
      table.setSlice('alpha/a', undefined);
      table.setSlice('alpha/b', undefined);
      assert.deepEqual(table.ignoredAddresses(), []);
    });
  }
});

describe('ServiceTable serves for one service only', () => {
  const OLD = '2026-01-01T00:00:00Z';
  const NEW = '2026-11-23T00:00:00Z';
  const rivals = (shared: Made, own: readonly [Made, Made] = [{}, { clusterIP: '172.30.0.2' }]) => {
    const table = new ServiceTable(NODE);
    table.setService('alpha/a', service({ name: 'a', createdAt: NEW, ...shared, ...own[0] }));
    table.setService('alpha/b', service({ name: 'b', createdAt: OLD, ...shared, ...own[1] }));
    return table;
  };
  const problem = (holder: string) => `is served for ${holder}, which is older or comes first by name`;

  test('an external IP at one port: the older has it, the younger its other addresses', () => {
    const table = rivals({ externalIPs: ['192.0.2.7'] });
    assert.deepEqual(table.ports().get('alpha/b:')?.externalIps.map(String), ['192.0.2.7']);
    assert.deepEqual(table.ports().get('alpha/a:')?.externalIps.map(String), []);
    const told = { namespace: 'alpha', service: 'a', field: 'externalIPs', address: '192.0.2.7:80' };
    assert.deepEqual(table.ignoredAddresses(), [{ ...told, problem: problem('alpha/b:') }]);
    table.setService('alpha/b', undefined);
    assert.deepEqual(table.ports().get('alpha/a:')?.externalIps.map(String), ['192.0.2.7']);
    assert.deepEqual(table.ignoredAddresses(), []);
  });

  test('an address that is one’s external IP and the other’s balancer', () => {
    const table = rivals({}, [
      { type: 'LoadBalancer', balancer: ['192.0.2.7'] },
      { clusterIP: '172.30.0.2', externalIPs: ['192.0.2.7'] },
    ]);
    assert.deepEqual(table.ports().get('alpha/a:')?.loadBalancerIps, []);
    assert.deepEqual(table.ports().get('alpha/b:')?.externalIps.map(String), ['192.0.2.7']);
  });

  test('but an external IP at different ports, or protocols, for both', () => {
    for (const ports of [[{ port: 81 }], [{ port: 80, protocol: 'UDP' }]]) {
      const table = rivals({ externalIPs: ['192.0.2.7'] }, [{}, { clusterIP: '172.30.0.2', ports }]);
      for (const key of ['alpha/a:', 'alpha/b:']) assert.equal(table.ports().get(key)?.externalIps.length, 1);
      assert.deepEqual(table.ignoredAddresses(), []);
    }
  });

  test('a node port', () => {
    const table = rivals({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
    assert.equal(table.ports().get('alpha/b:')?.nodePort, 30_080);
    assert.equal(table.ports().get('alpha/a:')?.nodePort, undefined);
    assert.deepEqual(
      table.ignoredAddresses().map(({ field, address }) => [field, address]),
      [['nodePort', ':30080']],
    );
  });

  test('a cluster IP, at whatever port: of the younger nothing is served until the older has gone', () => {
    const table = rivals({}, [{}, { ports: [{ port: 81 }] }]);
    assert.deepEqual([...table.ports().keys()], ['alpha/b:']);
    const told = { namespace: 'alpha', service: 'a', field: 'clusterIP', address: '172.30.0.1' };
    assert.deepEqual(table.ignoredAddresses(), [{ ...told, problem: problem('alpha/b') }]);
    table.setService('alpha/b', service({ name: 'b', createdAt: OLD, clusterIP: '172.30.0.2' }));
    assert.deepEqual([...table.ports().keys()].sort(), ['alpha/a:', 'alpha/b:']);
  });
});

describe('ServiceTable.setPortal()', () => {
  const portalOf = (table: ServiceTable) => table.ports().get('alpha/web:')?.portal;

  test('gives a port its portal while it has no endpoint, and takes it away while it has one', () => {
    const table = tableOf({}, slice({ '10.128.0.5': { ready: false } }));
    table.setPortal('alpha/web:', PORTAL);
    assert.deepEqual(portalOf(table), PORTAL);
    table.setSlice('alpha/a', slice({ '10.128.0.5': READY }));
    assert.equal(portalOf(table), undefined);
    assert.deepEqual(sockets(table.ports().get('alpha/web:')?.clusterEndpoints), ['10.128.0.5:8080']);
    table.setSlice('alpha/a', undefined);
    assert.deepEqual(portalOf(table), PORTAL);
    table.setPortal('alpha/web:', undefined);
    assert.equal(portalOf(table), undefined);
  });

  test('gives none to a port whose endpoints are on other nodes, whatever the policy', () => {
    const local = { type: 'NodePort', internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' };
    for (const state of [READY, GOING]) {
      const table = tableOf(local, slice({ '10.128.2.5': state }, { node: 'there' }));
      table.setPortal('alpha/web:', PORTAL);
      assert.equal(portalOf(table), undefined);
      assert.equal(table.ports().get('alpha/web:')?.hasEndpointsSomewhere, true);
    }
  });

  test('waits for a service that is not there yet', () => {
    const table = new ServiceTable(NODE);
    table.setPortal('alpha/web:', PORTAL);
    assert.equal(table.ports().size, 0);
    table.setService('alpha/web', service());
    assert.deepEqual(portalOf(table), PORTAL);
  });

  test('knows the ports of a service apart', () => {
    const ports = [
      { name: 'a', port: 1 },
      { name: 'b', port: 2 },
    ];
    const table = tableOf({ ports });
    table.setPortal('alpha/web:b', PORTAL);
    assert.equal(table.ports().get('alpha/web:a')?.portal, undefined);
    assert.deepEqual(table.ports().get('alpha/web:b')?.portal, PORTAL);
  });
});

describe('ServiceTable.healthChecks()', () => {
  const LOCAL: Made = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_080 };
  const count = (table: ServiceTable) => table.healthChecks().get('alpha/web')?.localEndpoints;

  test('has nothing for a service that balancers do not ask about', () => {
    assert.equal(tableOf({}, slice({ '10.128.0.5': READY })).healthChecks().size, 0);
  });

  test('counts ready addresses of this node, once for several ports; one that is going only serves', () => {
    const ports = [{ port: 80 }, { name: 'b', port: 81 }];
    const table = tableOf(
      { ...LOCAL, ports },
      slice({ '10.128.0.5': READY, '10.128.0.6': READY, '10.128.0.7': GOING }),
    );
    assert.deepEqual(table.healthChecks().get('alpha/web'), {
      namespace: 'alpha',
      service: 'web',
      nodePort: 31_080,
      localEndpoints: 2,
    });
    table.setSlice('alpha/a', slice({ '10.128.0.7': GOING }));
    assert.equal(count(table), 0);
    assert.deepEqual(sockets(table.ports().get('alpha/web:')?.localEndpoints), ['10.128.0.7:8080']);
    table.setSlice('alpha/a', slice({ '10.128.2.5': READY }, { node: 'there' }));
    assert.equal(count(table), 0);
  });

  test('is the same map while the count is the same, and forgets a service that has gone', () => {
    const table = tableOf(LOCAL, slice({ '10.128.0.5': READY }));
    const before = table.healthChecks();
    table.setSlice('alpha/a', slice({ '10.128.0.6': READY }));
    assert.equal(table.healthChecks(), before);
    table.setService('alpha/web', undefined);
    assert.equal(table.healthChecks().size, 0);
    assert.equal(before.size, 1);
  });
});

test('ServiceTable follows a slice that is given to another service', () => {
  const table = tableOf({}, slice({ '10.128.0.5': READY }));
  table.setService('alpha/api', service({ name: 'api', clusterIP: '172.30.0.2' }));
  assert.equal(table.ports().get('alpha/web:')?.clusterEndpoints.length, 1);
  table.setSlice('alpha/a', slice({ '10.128.0.5': READY }, { of: 'api' }));
  assert.equal(table.ports().get('alpha/web:')?.clusterEndpoints.length, 0);
  assert.equal(table.ports().get('alpha/api:')?.clusterEndpoints.length, 1);
});

test('ServiceTable.sliceKeysOf() knows the slices of a service, also before there is one', () => {
  const table = new ServiceTable(NODE);
  assert.deepEqual(table.sliceKeysOf('alpha/web'), []);
  table.setSlice('alpha/a', slice({}));
  table.setSlice('alpha/b', slice({ '10.128.0.5': READY }, { name: 'b' }));
  assert.deepEqual(table.sliceKeysOf('alpha/web'), ['alpha/a', 'alpha/b']);
  table.setSlice('alpha/a', slice({}, { of: 'api' }));
  assert.deepEqual([table.sliceKeysOf('alpha/web'), table.sliceKeysOf('alpha/api')], [['alpha/b'], ['alpha/a']]);
});

test('ServiceTable.setNode() makes choices anew for another zone, and nothing when it says the same', () => {
  const table = new ServiceTable({ ...NODE, zone: 'east' });
  table.setService('alpha/web', service());
  const hinted = (ip: string, zone: string) => ({ addresses: [ip], hints: { forZones: [{ name: zone }] } });
  table.setSlice(
    'alpha/a',
    parseEndpointSlice({
      metadata: { name: 'a', namespace: 'alpha', labels: { [LABEL.serviceName]: 'web' } },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: [hinted('10.128.0.5', 'east'), hinted('10.128.2.5', 'west')],
    }),
  );
  const before = table.ports();
  assert.deepEqual(sockets(before.get('alpha/web:')?.clusterEndpoints), ['10.128.0.5:8080']);
  table.setNode({ ...NODE, zone: 'east' });
  assert.equal(table.ports(), before);
  table.setNode({ ...NODE, zone: 'west' });
  assert.deepEqual(sockets(table.ports().get('alpha/web:')?.clusterEndpoints), ['10.128.2.5:8080']);
});
