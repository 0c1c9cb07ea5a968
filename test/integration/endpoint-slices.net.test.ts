/** The lab's EndpointSlices against its API server, over real HTTP. Needs neither root nor Open vSwitch. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openKubeClient, watchKind } from '@tenet/kube';
import { type OwnedSlice, runEndpointSliceController } from '@tenet/lab';
import type { EndpointSliceObject, PodObject, ServiceObject } from '@tenet/model';
import { type Clock, SILENT } from '@tenet/std';
import { eventually } from '../eventually.ts';
import { type ControllerCluster, controllerCluster } from './controller-cluster.ts';

const CLOCK: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => await pause(ms, undefined, signal === undefined ? {} : { signal }),
};

let cluster: ControllerCluster;
let ended: Promise<void>;
const life = new AbortController();

before(async () => {
  cluster = await controllerCluster();
  await cluster.client.create('Node', { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'east' } } });
  await cluster.client.create('Node', { metadata: { name: 'n2' } });
  ended = runController();
});

after(async () => {
  life.abort();
  await ended;
  await cluster[Symbol.asyncDispose]();
});

async function runController(): Promise<void> {
  await using kube = await openKubeClient({ kubeconfig: cluster.kubeconfig });
  const common = { log: SILENT, clock: CLOCK, random: Math.random, signal: life.signal };
  const services = watchKind(kube, 'Service', { ...common, project: (service) => service });
  const pods = watchKind(kube, 'Pod', { ...common, project: (pod) => pod });
  const slices = watchKind(kube, 'EndpointSlice', { ...common, project: (slice): OwnedSlice => slice });
  await runEndpointSliceController({ ...common, kube, services, pods, slices });
}

async function project(name: string): Promise<string> {
  await cluster.client.create('Namespace', { metadata: { name } });
  return name;
}

/** A service of a project that selects `app=web`. */
function service(namespace: string, spec: ServiceObject['spec'] = {}): Promise<ServiceObject> {
  const ports = [{ name: 'http', port: 80, targetPort: 'web' }];
  const whole = { selector: { app: 'web' }, ports, ...spec };
  return cluster.client.create('Service', { metadata: { namespace, name: 'web' }, spec: whole });
}

interface PodWish {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly node?: string;
  readonly ready?: boolean;
}

async function pod({ namespace, name, ip, node = 'n1', ready = true }: PodWish): Promise<void> {
  const containers = [{ name: 'c', ports: [{ name: 'web', containerPort: 8080 }] }];
  const metadata = { namespace, name, labels: { app: 'web' } };
  await cluster.client.create('Pod', { metadata, spec: { nodeName: node, containers } });
  await status({ namespace, name, ip, ready });
}

async function status({ namespace, name, ip, ready = true }: PodWish): Promise<void> {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  const body: { status: PodObject['status'] } = { status: { phase: 'Running', podIP: ip, conditions } };
  await cluster.client.patch('Pod', { namespace, name, subresource: 'status' }, body);
}

async function slicesOf(namespace: string): Promise<EndpointSliceObject[]> {
  return (await cluster.client.list('EndpointSlice', { namespace })).items;
}

/** `10.0.0.1 ready` of each endpoint in each slice. */
async function endpointsOf(namespace: string): Promise<string[]> {
  return (await slicesOf(namespace))
    .flatMap(({ endpoints }) => endpoints ?? [])
    .map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready ? 'ready' : 'unready'}`)
    .sort();
}

async function becomes(namespace: string, wanted: readonly string[]): Promise<void> {
  let seen: readonly string[] = [];
  await eventually(
    async () => {
      seen = await endpointsOf(namespace);
      return JSON.stringify(seen) === JSON.stringify(wanted) ? true : undefined;
    },
    { what: `the endpoints of ${namespace}` },
  ).catch(() => assert.deepEqual(seen, wanted));
}

describe('runEndpointSliceController()', () => {
  test('follows pods that come, become unready and go', async () => {
    const namespace = await project('follows');
    await service(namespace);
    await pod({ namespace, name: 'a', ip: '10.131.2.2' });
    await pod({ namespace, name: 'b', ip: '10.130.0.2', node: 'n2', ready: false });
    await becomes(namespace, ['10.130.0.2 unready', '10.131.2.2 ready']);
    await status({ namespace, name: 'b', ip: '10.130.0.2' });
    await becomes(namespace, ['10.130.0.2 ready', '10.131.2.2 ready']);
    const [slice, ...more] = await slicesOf(namespace);
    assert.deepEqual(more, []);
    assert.deepEqual(slice?.ports, [{ name: 'http', protocol: 'TCP', port: 8080 }]);
    const places = slice?.endpoints?.map(({ addresses, nodeName, zone }) => `${addresses[0]} ${nodeName} ${zone}`);
    assert.deepEqual(places?.sort(), ['10.130.0.2 n2 undefined', '10.131.2.2 n1 east']);
    const since = Date.parse(slice?.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'] ?? '');
    assert.ok(Math.abs(Date.now() - since) < 60_000, 'the slice says when its change was triggered');
    await cluster.client.delete('Pod', { namespace, name: 'a' });
    await becomes(namespace, ['10.130.0.2 ready']);
  });

  test('follows the selector and the ports of a service, and takes its slices away with it', async () => {
    const namespace = await project('selects');
    await service(namespace, { selector: { app: 'db' } });
    await pod({ namespace, name: 'a', ip: '10.131.2.3' });
    await eventually(async () => ((await slicesOf(namespace)).length === 1 ? true : undefined), {
      what: 'an empty slice',
    });
    assert.deepEqual(await endpointsOf(namespace), []);
    const ref = { namespace, name: 'web' };
    await cluster.client.patch('Service', ref, { spec: { selector: { app: 'web' } } });
    await becomes(namespace, ['10.131.2.3 ready']);
    await cluster.client.patch('Service', ref, { spec: { ports: [{ port: 80, targetPort: 9090 }] } });
    await eventually(async () => ((await slicesOf(namespace))[0]?.ports?.[0]?.port === 9090 ? true : undefined), {
      what: 'the new port',
    });
    await cluster.client.delete('Service', ref);
    await eventually(async () => ((await slicesOf(namespace)).length === 0 ? true : undefined), { what: 'no slice' });
  });

  test('puts right what somebody does to its slices, and leaves hand-made ones alone', async () => {
    const namespace = await project('mends');
    await service(namespace);
    await pod({ namespace, name: 'a', ip: '10.131.2.4' });
    await becomes(namespace, ['10.131.2.4 ready']);
    const [own] = await slicesOf(namespace);
    const name = own?.metadata.name ?? '';
    const hand: EndpointSliceObject = {
      metadata: { namespace, name: 'by-hand', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
    };
    await cluster.client.create('EndpointSlice', hand);
    await cluster.client.patch('EndpointSlice', { namespace, name }, { endpoints: [] });
    await becomes(namespace, ['10.131.2.4 ready', '192.0.2.1 ready']);
    await cluster.client.delete('EndpointSlice', { namespace, name });
    await becomes(namespace, ['10.131.2.4 ready', '192.0.2.1 ready']);
    await cluster.client.delete('Service', { namespace, name: 'web' });
    await becomes(namespace, ['192.0.2.1 ready']);
  });

  test('publishes pods that are not ready for a service that wants them', async () => {
    const namespace = await project('publishes');
    await service(namespace, { clusterIP: 'None', publishNotReadyAddresses: true });
    await pod({ namespace, name: 'a', ip: '10.131.2.5', ready: false });
    await becomes(namespace, ['10.131.2.5 ready']);
    assert.equal((await slicesOf(namespace))[0]?.metadata.labels?.['service.kubernetes.io/headless'], '');
  });

  test('comes to what is wanted after the API server was away and the world has changed', async () => {
    const namespace = await project('outage');
    await service(namespace);
    await pod({ namespace, name: 'a', ip: '10.131.2.6' });
    await becomes(namespace, ['10.131.2.6 ready']);
    await cluster.outage(async (store) => {
      store.remove(store.resources.ofKind('Pod'), { namespace, name: 'a' });
      for (const slice of store.list(store.resources.ofKind('EndpointSlice'), { namespace }).items)
        store.remove(store.resources.ofKind('EndpointSlice'), { namespace, name: slice.metadata.name });
    });
    // The connection that the client had is gone, which it finds out with its next request.
    await cluster.client.list('Pod').catch(() => {});
    await pod({ namespace, name: 'b', ip: '10.131.2.7' });
    await becomes(namespace, ['10.131.2.7 ready']);
  });
});
