import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../json.ts';
import type { StoredObject } from '../object.ts';
import { StatusError } from '../status.ts';
import { ApiStore } from '../store.ts';

/** A store with the services of some tests, and the few calls that they make. */
function newServices() {
  let uids = 0;
  const store = new ApiStore({ nowMs: () => 1_000, uid: () => `00000000-${++uids}` });
  const services = store.resources.ofKind('Service');
  const key = (name: string) => ({ namespace: 'default', name });
  return {
    store,
    make: (name: string, spec: JsonObject) => store.create(services, { metadata: { name }, spec }, key(name)),
    put: (name: string, spec: JsonObject) => store.update(services, key(name), { metadata: { name }, spec }),
    change: (name: string, change: (spec: JsonObject) => JsonObject) =>
      store.modify(services, key(name), (before) => ({ ...before, spec: change(specOf(before)) })),
    remove: (name: string) => store.remove(services, key(name)),
  };
}

function specOf({ spec }: StoredObject): JsonObject {
  assert.ok(typeof spec === 'object' && spec !== null && !Array.isArray(spec));
  return spec as JsonObject;
}

const HTTP = { port: 80 };
const ports = [HTTP];

/** Refused by 422, with the one cause that is expected. */
function refused(run: () => unknown, field: string, says: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof StatusError);
    assert.equal(error.code, 422);
    const causes = error.details?.causes ?? [];
    assert.deepEqual(causes.map((cause) => cause.field).sort(), [field], error.message);
    assert.match(causes[0]?.message ?? '', says);
    assert.match(error.message, /^Service "web" is invalid: /);
    return true;
  });
}

describe('a Service is refused', () => {
  // biome-ignore format: one spec a row
  const rows: readonly (readonly [what: string, spec: JsonObject, field: string, says: RegExp])[] = [
    ['without ports', {}, 'spec.ports', /^Required value$/],
    ['of no known type', { type: 'Magic', ports }, 'spec.type', /^Unsupported value: "Magic": supported values: "ClusterIP", /],
    ['without an external name', { type: 'ExternalName' }, 'spec.externalName', /^Required/],
    ['as a headless node port', { type: 'NodePort', clusterIP: 'None', ports }, 'spec.clusterIPs[0]', /may not be set to 'None' for NodePort/],
    ['with port 0', { ports: [{ port: 0 }] }, 'spec.ports[0].port', /between 1 and 65535/],
    ['with a target port beyond the last', { ports: [{ port: 1, targetPort: 65_536 }] }, 'spec.ports[0].targetPort', /between 1 and 65535/],
    ['with a target port that is no name', { ports: [{ port: 1, targetPort: '80' }] }, 'spec.ports[0].targetPort', /RFC 6335/],
    ['with a protocol that is none', { ports: [{ port: 1, protocol: 'tcp' }] }, 'spec.ports[0].protocol', /"SCTP", "TCP", "UDP"$/],
    ['with a port name that is none', { ports: [{ port: 1, name: 'A' }] }, 'spec.ports[0].name', /RFC 1123/],
    ['with two ports of one name', { ports: [{ name: 'a', port: 1 }, { name: 'a', port: 2 }] }, 'spec.ports[1].name', /^Duplicate value: "a"$/],
    ['with the same port twice', { ports: [{ name: 'a', port: 1 }, { name: 'b', port: 1 }] }, 'spec.ports[1]', /^Duplicate value: \{/],
    ['with a node port that nobody can reach', { ports: [{ port: 1, nodePort: 30_000 }] }, 'spec.ports[0].nodePort', /type` is 'ClusterIP'/],
    ['with a node port out of range', { type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] }, 'spec.ports[0].nodePort', /range of valid ports is 30000-32767/],
    ['with an address out of range', { clusterIP: '10.0.0.1', ports }, 'spec.clusterIPs', /10\.0\.0\.1.*range of valid IPs is 172\.30\.0\.0\/16/],
    ['with the address of the network', { clusterIP: '172.30.0.0', ports }, 'spec.clusterIPs', /not in the valid range/],
    ['with the address of the API server', { clusterIP: '172.30.0.1', ports }, 'spec.clusterIPs', /already allocated/],
    ['with two addresses', { clusterIP: '172.30.5.1', clusterIPs: ['172.30.5.1', 'fd00::1'], ports }, 'spec.clusterIPs', /one IP family/],
    ['with two different addresses', { clusterIP: '172.30.5.1', clusterIPs: ['172.30.5.2'], ports }, 'spec.clusterIPs', /must match/],
    ['with an external address that is none', { externalIPs: ['web'], ports }, 'spec.externalIPs[0]', /valid IP/],
    ['with an external address of nobody', { externalIPs: ['127.0.0.1'], ports }, 'spec.externalIPs[0]', /loopback/],
    ['with source ranges but no load balancer', { loadBalancerSourceRanges: ['10.0.0.0/8'], ports }, 'spec.loadBalancerSourceRanges', /^Forbidden/],
    ['with a source range that is none', { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/33'], ports }, 'spec.loadBalancerSourceRanges[0]', /CIDR/],
    ['with an external policy but no way in', { externalTrafficPolicy: 'Local', ports }, 'spec.externalTrafficPolicy', /externally-accessible/],
    ['with an external policy that is none', { type: 'NodePort', externalTrafficPolicy: 'Near', ports }, 'spec.externalTrafficPolicy', /^Unsupported/],
    ['with an internal policy that is none', { internalTrafficPolicy: 'Near', ports }, 'spec.internalTrafficPolicy', /^Unsupported/],
    ['with an affinity that is none', { sessionAffinity: 'Pod', ports }, 'spec.sessionAffinity', /"ClientIP", "None"$/],
    ['with affinity for no time', { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } }, ports }, 'spec.sessionAffinityConfig.clientIP.timeoutSeconds', /greater than 0/],
    ['with a health check that nobody asks', { type: 'NodePort', healthCheckNodePort: 30_001, ports }, 'spec.healthCheckNodePort', /LoadBalancer/],
    ['with a distribution that is none', { trafficDistribution: 'PreferFar', ports }, 'spec.trafficDistribution', /"PreferClose"/],
  ];
  for (const [what, spec, field, says] of rows) {
    test(`ServiceRules.admit() answers 422 to a service ${what}`, () =>
      refused(() => newServices().make('web', spec), field, says));
  }

  test('ServiceRules.admit() says all that is wrong at once', () => {
    const make = () => newServices().make('web', { type: 'Magic', ports: [{ port: 0 }] });
    assert.throws(make, /^StatusError: Service "web" is invalid: \[spec\.type: .*, spec\.ports\[0\]\.port: .*\]$/);
  });

  test('ServiceRules.admit() answers 400 to a field of another type', () => {
    const wrong: JsonObject[] = [
      { ports: 'all' },
      { ports: [{ port: '80' }] },
      { clusterIPs: [1] },
      { selector: { a: 1 } },
    ];
    for (const spec of wrong)
      assert.throws(
        () => newServices().make('web', spec),
        (error) => error instanceof StatusError && error.code === 400,
      );
  });

  test('ServiceRules.admit() answers 422 to a name that no DNS server could be asked for', () => {
    const problem = (error: unknown) =>
      error instanceof StatusError && error.details?.causes?.[0]?.field === 'metadata.name';
    assert.throws(() => newServices().make('1web', { ports }), problem);
  });

  test('ServiceRules.admit() answers 422 to an address or a node port that another service has', () => {
    const own = newServices();
    own.make('first', { type: 'NodePort', clusterIP: '172.30.9.9', ports: [{ port: 80, nodePort: 30_080 }] });
    refused(() => own.make('web', { clusterIP: '172.30.9.9', ports }), 'spec.clusterIPs', /already allocated/);
    const spec = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] };
    refused(() => own.make('web', spec), 'spec.ports[0].nodePort', /already allocated/);
  });

  test('ServiceRules.admit() lets no update change a cluster IP', () => {
    const own = newServices();
    own.make('web', { clusterIP: '172.30.9.9', ports });
    const change = () =>
      own.change('web', (spec) => ({ ...spec, clusterIP: '172.30.9.10', clusterIPs: ['172.30.9.10'] }));
    refused(change, 'spec.clusterIPs[0]', /may not change once set/);
  });
});

describe('a Service gets', () => {
  const given = (spec: JsonObject) => specOf(newServices().make('web', spec));

  test('ServiceRules.admit() completes what was left out', () => {
    const { clusterIP, ...rest } = given({ ports: [{ port: 80 }] });
    assert.deepEqual(rest, {
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      clusterIPs: [clusterIP],
    });
    // Beyond the band of 256 that users pick from.
    assert.equal(clusterIP, '172.30.1.1');
  });

  test('ServiceRules.admit() leaves a headless service without an address', () => {
    const { clusterIP, clusterIPs } = given({ clusterIP: 'None' });
    assert.deepEqual([clusterIP, clusterIPs], ['None', ['None']]);
  });

  test('ServiceRules.admit() gives an ExternalName neither an address nor policies', () =>
    assert.deepEqual(given({ type: 'ExternalName', externalName: 'example.com' }), {
      type: 'ExternalName',
      externalName: 'example.com',
      sessionAffinity: 'None',
    }));

  test('ServiceRules.admit() gives each port of a NodePort one of its own, and one to health checks', () => {
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ];
    const spec = given({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports });
    const nodePorts = (spec.ports as { nodePort: number }[]).map(({ nodePort }) => nodePort);
    assert.deepEqual(nodePorts, [30_086, 30_087, 30_086]);
    assert.equal(spec.healthCheckNodePort, 30_088);
  });

  test('ServiceRules.admit() gives a load balancer no node ports when it wants none', () => {
    const spec = given({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports });
    assert.deepEqual(spec.ports, [{ port: 80, protocol: 'TCP', targetPort: 80 }]);
  });

  test('ServiceRules.admit() gives affinity three hours', () =>
    assert.deepEqual(given({ sessionAffinity: 'ClientIP', ports }).sessionAffinityConfig, {
      clientIP: { timeoutSeconds: 10_800 },
    }));

  test('ServiceRules.admit() has the policy Cluster for what is published by an external IP only', () =>
    assert.equal(given({ externalIPs: ['198.51.100.7'], ports }).externalTrafficPolicy, 'Cluster'));

  test('ServiceRules.admit() gives an update back what it leaves out', () => {
    const own = newServices();
    const first = specOf(own.make('web', { type: 'NodePort', ports }));
    const second = specOf(own.put('web', { type: 'NodePort', ports, sessionAffinity: 'ClientIP' }));
    assert.deepEqual([second.clusterIP, second.ports], [first.clusterIP, first.ports]);
  });

  test('ServiceRules.admit() takes node ports from a service that becomes a ClusterIP, and hands them out again', () => {
    const own = newServices();
    own.make('web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
    const changed = specOf(
      own.change('web', (spec) => ({ ...spec, type: 'ClusterIP', externalTrafficPolicy: undefined })),
    );
    assert.deepEqual(changed.ports, [{ port: 80, protocol: 'TCP', targetPort: 80 }]);
    own.make('second', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] });
  });

  test('ServiceRules.stored() frees what a service had when it goes, and nothing for a dry run', () => {
    const own = newServices();
    const spec = { type: 'NodePort', clusterIP: '172.30.9.9', ports: [{ port: 80, nodePort: 30_080 }] };
    own.make('web', spec);
    own.remove('web');
    own.store.create(
      own.store.resources.ofKind('Service'),
      { metadata: { name: 'dry' }, spec },
      { namespace: 'default', dryRun: true },
    );
    const again = specOf(own.make('again', spec));
    assert.equal(again.clusterIP, '172.30.9.9');
  });

  test('ServiceRules.admit() leaves the status of a load balancer to the subresource', () => {
    const own = newServices();
    own.make('web', { type: 'LoadBalancer', ports });
    const services = own.store.resources.ofKind('Service');
    const target = { namespace: 'default', name: 'web', subresource: 'status' } as const;
    const status = { loadBalancer: { ingress: [{ ip: '198.51.100.7' }] } };
    assert.deepEqual(own.store.modify(services, target, (before) => ({ ...before, status })).status, status);
    assert.deepEqual(own.change('web', (spec) => ({ ...spec, sessionAffinity: 'ClientIP' })).status, status);
  });
});
