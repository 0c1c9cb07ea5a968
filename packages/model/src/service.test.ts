import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { ANNOTATION } from './annotations.ts';
import { LABEL } from './labels.ts';
import type { ServiceObject } from './objects.ts';
import { parseService } from './service.ts';

type Spec = ServiceObject['spec'];
type Ingress = NonNullable<NonNullable<NonNullable<ServiceObject['status']>['loadBalancer']>['ingress']>;

const HTTP = { port: 9200 } as const;

const service = (spec: Partial<Spec> = {}, annotations: Record<string, string> = {}): ServiceObject => ({
  metadata: { name: 'logging-es', namespace: 'logging', annotations },
  spec: { clusterIP: '172.30.229.30', ports: [HTTP], ...spec },
});

const balanced = (spec: Partial<Spec>, ingress: Ingress = [], annotations: Record<string, string> = {}) => ({
  ...service({ type: 'LoadBalancer', ...spec }, annotations),
  status: { loadBalancer: { ingress } },
});

const ranges = (spec: Partial<Spec>, annotation?: string): readonly string[] =>
  parseService(
    balanced(spec, [], annotation === undefined ? {} : { [ANNOTATION.sourceRanges]: annotation }),
  ).sourceRanges.map(String);

const affinity = (timeoutSeconds: number): Partial<Spec> => ({
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
});

// biome-ignore format: one row per line
const INVALID: readonly [why: string, object: ServiceObject, field: string, says: RegExp][] = [
  ['a cluster IP that is a name',          service({ clusterIP: 'es' }),                                'spec.clusterIP', /is wrong/],
  ['a second cluster IP that is a name',   service({ clusterIPs: ['172.30.0.1', 'es'] }),               'spec.clusterIPs[1]', /is wrong/],
  ['an unknown protocol',                  service({ ports: [{ ...HTTP, protocol: 'DCCP' }] }),         'spec.ports[0].protocol', /"DCCP" is not supported/],
  ['a protocol in lower case',             service({ ports: [{ ...HTTP, protocol: 'tcp' }] }),          'spec.ports[0].protocol', /"tcp" is not supported/],
  ['port 0',                               service({ ports: [{ port: 0 }] }),                           'spec.ports[0].port', /0 is not a port/],
  ['port 65536',                           service({ ports: [{ port: 65_536 }] }),                      'spec.ports[0].port', /65536 is not a port/],
  ['half a port',                          service({ ports: [HTTP, { name: 'b', port: 1.5 }] }),        'spec.ports[1].port', /1.5 is not a port/],
  ['a negative node port',                 service({ ports: [{ ...HTTP, nodePort: -1 }] }),             'spec.ports[0].nodePort', /-1 is not a port/],
  ['two ports of one name',                service({ ports: [HTTP, { port: 9300 }] }),                  'spec.ports[1].name', /"" is another port's name/],
  ['two ports of one number',              service({ ports: [HTTP, { ...HTTP, name: 'again' }] }),      'spec.ports[1].port', /9200 is another port's number/],
  ['affinity for no time',                 service(affinity(0)),    'spec.sessionAffinityConfig.clientIP.timeoutSeconds', /0 is not between/],
  ['affinity for more than a day',         service(affinity(86_401)), 'spec.sessionAffinityConfig.clientIP.timeoutSeconds', /86401 is not between/],
  ['a health check port that is none',     balanced({ externalTrafficPolicy: 'Local', healthCheckNodePort: 70_000 }), 'spec.healthCheckNodePort', /70000 is not a port/],
];

describe('parseService() refuses', () => {
  for (const [why, object, field, says] of INVALID) {
    test(why, () => {
      assert.throws(
        () => parseService(object),
        (error) => {
          assert(isTenetError(error, 'OBJECT_INVALID'));
          assert.equal(error.facts.field, field);
          assert.equal(error.facts.name, 'logging/logging-es');
          assert.match(error.message, says);
          return true;
        },
      );
    });
  }
});

test('parseService() reads a plain service, with what is absent as Kubernetes defaults it', () => {
  const { clusterIps, ...rest } = parseService({
    metadata: { name: 'logging-es', namespace: 'logging', uid: 'u-1', creationTimestamp: '2026-11-23T00:00:00Z' },
    spec: { clusterIP: '172.30.229.30', ports: [{ name: 'es', port: 9200, protocol: 'TCP', targetPort: 9200 }] },
  });
  assert.deepEqual(clusterIps.map(String), ['172.30.229.30']);
  assert.deepEqual(rest, {
    namespace: 'logging',
    name: 'logging-es',
    uid: 'u-1',
    createdAt: '2026-11-23T00:00:00Z',
    ports: [{ name: 'es', protocol: 'tcp', port: 9200 }],
    hasSelector: false,
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
  });
});

// biome-ignore format: one row per line
const CLUSTER_IPS: readonly [when: string, spec: Partial<Spec>, is: readonly string[]][] = [
  ['both families are there',        { clusterIPs: ['172.30.0.1', 'fd02::1'] },              ['172.30.0.1', 'fd02::1']],
  ['only the plural is filled',      { clusterIP: '', clusterIPs: ['172.30.0.1'] },          ['172.30.0.1']],
  ['the plural is empty',            { clusterIPs: [] },                                     ['172.30.229.30']],
  ['it is headless',                 { clusterIP: 'None', clusterIPs: ['None'] },            []],
  ['it is headless, in one field',   { clusterIP: 'None' },                                  []],
  ['it has none yet',                { clusterIP: '' },                                      []],
  ['it is a name elsewhere',         { type: 'ExternalName', externalName: 'example.org' },  []],
  ['it has no ports',                { ports: [] },                                          ['172.30.229.30']],
];

describe('parseService() takes as cluster IPs what is to be forwarded, when', () => {
  for (const [when, spec, is] of CLUSTER_IPS) {
    test(when, () => assert.deepEqual(parseService(service(spec)).clusterIps.map(String), is));
  }
});

// biome-ignore format: one row per line
const SELECTORS: readonly [selector: Record<string, string> | undefined, hasSelector: boolean][] = [
  [undefined,        false],
  [{},               false],
  [{ app: 'es' },    true],
];

describe('parseService() reads whether pods are selected, by', () => {
  for (const [selector, hasSelector] of SELECTORS) {
    test(JSON.stringify(selector) ?? 'nothing', () => {
      const read = parseService(service(selector === undefined ? {} : { selector }));
      assert.equal(read.hasSelector, hasSelector);
    });
  }
});

test('parseService() reads a service that the API server has not given an address or ports yet', () => {
  const read = parseService({ metadata: { name: 'a', namespace: 'b' }, spec: {} });
  assert.deepEqual([read.clusterIps, read.ports, read.uid, read.createdAt], [[], [], '', '']);
});

test('parseService() reads several ports, and a node port of 0 as none', () => {
  const ports = [
    { name: 'dns', protocol: 'UDP', port: 53, nodePort: 30_053 },
    { name: 'dns-tcp', protocol: 'TCP', port: 53, nodePort: 0 },
    { name: 'ss7', protocol: 'SCTP', port: 2905 },
  ];
  assert.deepEqual(parseService(service({ ports })).ports, [
    { name: 'dns', protocol: 'udp', port: 53, nodePort: 30_053 },
    { name: 'dns-tcp', protocol: 'tcp', port: 53 },
    { name: 'ss7', protocol: 'sctp', port: 2905 },
  ]);
});

test('parseService() leaves out external IPs that are none, and keeps the rest', () => {
  const externalIPs = ['192.0.2.7', 'router.example.org', '010.0.0.1', '', '2001:db8::7'];
  assert.deepEqual(parseService(service({ externalIPs })).externalIps.map(String), ['192.0.2.7', '2001:db8::7']);
});

describe('parseService() reads a load balancer', () => {
  const INGRESS: Ingress = [
    { ip: '192.0.2.8' },
    { ip: '192.0.2.9', ipMode: 'VIP' },
    { ip: '192.0.2.10', ipMode: 'Proxy' },
    { hostname: 'lb.example.org' },
    { ip: 'lb' },
  ];

  test('and takes the addresses at which packets arrive as they were sent', () => {
    assert.deepEqual(parseService(balanced({}, INGRESS)).loadBalancerIps.map(String), ['192.0.2.8', '192.0.2.9']);
  });

  test('but not what is left of one when the type has changed', () => {
    const { loadBalancerIps, sourceRanges } = parseService(
      balanced({ type: 'NodePort', loadBalancerSourceRanges: ['192.0.2.0/24'] }, INGRESS),
    );
    assert.deepEqual([loadBalancerIps, sourceRanges], [[], []]);
  });

  test('and its health check port only with policy Local', () => {
    const port = (spec: Partial<Spec>) => parseService(balanced({ healthCheckNodePort: 31_000, ...spec }));
    assert.equal(port({ externalTrafficPolicy: 'Local' }).healthCheckNodePort, 31_000);
    assert.equal('healthCheckNodePort' in port({ externalTrafficPolicy: 'Cluster' }), false);
    assert.equal('healthCheckNodePort' in port({ externalTrafficPolicy: 'Local', type: 'NodePort' }), false);
    assert.equal('healthCheckNodePort' in port({ externalTrafficPolicy: 'Local', healthCheckNodePort: 0 }), false);
  });
});

// biome-ignore format: one row per line
const RANGES: readonly [when: string, spec: Partial<Spec>, annotation: string | undefined, is: readonly string[]][] = [
  ['nobody is named: everybody',           {},                                                          undefined,                    []],
  ['an annotation is blank: everybody',    {},                                                          ' ',                          []],
  ['entries have spaces around',           { loadBalancerSourceRanges: [' 192.0.2.0/24', '10.0.0.0/8 '] }, undefined,                 ['192.0.2.0/24', '10.0.0.0/8']],
  ['an entry has host bits',               { loadBalancerSourceRanges: ['192.0.2.7/24'] },              undefined,                    ['192.0.2.0/24']],
  ['both families are there',              { loadBalancerSourceRanges: ['192.0.2.0/24', '2001:db8::/32'] }, undefined,                ['192.0.2.0/24', '2001:db8::/32']],
  ['one entry is none',                    { loadBalancerSourceRanges: ['192.0.2.0/24', 'all'] },       undefined,                    ['192.0.2.0/24']],
  ['no entry is one: nobody',              { loadBalancerSourceRanges: ['192.0.2.0', 'all'] },          undefined,                    ['0.0.0.0/32']],
  ['they are in the annotation',           {},                                                          '192.0.2.0/24, 10.0.0.0/8',   ['192.0.2.0/24', '10.0.0.0/8']],
  ['the annotation has none: nobody',      {},                                                          'all',                        ['0.0.0.0/32']],
  ['the field wins over the annotation',   { loadBalancerSourceRanges: ['192.0.2.0/24'] },              '10.0.0.0/8',                 ['192.0.2.0/24']],
];

describe('parseService() reads who may come through a load balancer, when', () => {
  for (const [when, spec, annotation, is] of RANGES) {
    test(when, () => assert.deepEqual(ranges(spec, annotation), is));
  }
});

test('parseService() reads policies, each by itself', () => {
  const read = (spec: Partial<Spec>) => {
    const { externalTrafficPolicy, internalTrafficPolicy } = parseService(service(spec));
    return [externalTrafficPolicy, internalTrafficPolicy];
  };
  assert.deepEqual(read({ externalTrafficPolicy: 'Local' }), ['Local', 'Cluster']);
  assert.deepEqual(read({ internalTrafficPolicy: 'Local' }), ['Cluster', 'Local']);
});

test('parseService() reads affinity: three hours when only ClientIP is said, none when a time alone is', () => {
  const seconds = (spec: Partial<Spec>) => parseService(service(spec)).affinitySeconds;
  assert.equal(seconds({ sessionAffinity: 'ClientIP' }), 10_800);
  assert.equal(seconds(affinity(60)), 60);
  assert.equal(seconds({ ...affinity(60), sessionAffinity: 'None' }), undefined);
});

test('parseService() reads when a service was put to sleep, verbatim', () => {
  const idledAt = '2026-11-23T01:02:03Z';
  assert.equal(parseService(service({}, { [ANNOTATION.idledAt]: idledAt })).idledAt, idledAt);
  assert.equal('idledAt' in parseService(service()), false);
});

test('parseService() reads which other proxy forwards a service, also one without a name', () => {
  const labelled = (labels: Record<string, string>) =>
    parseService({ ...service(), metadata: { name: 'a', labels } }).proxyName;
  assert.equal(labelled({ [LABEL.serviceProxyName]: '' }), '');
  assert.equal(labelled({ [LABEL.serviceProxyName]: 'mesh' }), 'mesh');
  assert.equal(labelled({ [LABEL.serviceName]: 'a' }), undefined);
});
