import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WatchCache } from '@tenet/kube';
import {
  type NetNamespace,
  type PodObject,
  parseEndpointSlice,
  parseService,
  type Service,
  vnidOf,
} from '@tenet/model';
import { ARTICLE_NODE } from '@tenet/pipeline';
import { SILENT } from '@tenet/std';
import { ManualClock, settled } from '../../testing/manual-clock.ts';
import type { Cluster, WatchedSlice } from '../watch-cluster.ts';
import { ProxiedServices } from './proxied-services.ts';

/** A cache that a test fills. */
function cache<T>(): WatchCache<T> & { set(key: string, value: T | undefined): void } {
  const entries = new Map<string, T>();
  const listeners = new Set<(changed: ReadonlySet<string>) => void>();
  return {
    synced: Promise.resolve(),
    isSynced: true,
    get: (key) => entries.get(key),
    entries,
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    ended: Promise.resolve(),
    set(key, value) {
      if (value === undefined) entries.delete(key);
      else entries.set(key, value);
      for (const listener of listeners) listener(new Set([key]));
    },
  };
}

/** `alpha/web`, and pods at every address that are of one project. */
function setUp(project: string) {
  const services = cache<Service>();
  const endpointSlices = cache<WatchedSlice>();
  const netNamespaces = cache<NetNamespace>();
  const ownNode: Cluster['ownNode'] = cache();
  const pod: PodObject = { metadata: { name: 'p', namespace: project }, spec: { containers: [] }, status: {} };
  const state = { asked: 0, heard: 0, isSilent: false };
  const clock = new ManualClock();
  const list = async () => {
    state.asked += 1;
    if (state.isSilent) await new Promise(() => {});
    return { items: [pod], resourceVersion: '1' };
  };
  const proxied = new ProxiedServices({
    nodeName: 'dt-infra1',
    node: ARTICLE_NODE.node,
    nodePortAddresses: [],
    cluster: { services, endpointSlices, ownNode, netNamespaces },
    client: { list } as unknown as ConstructorParameters<typeof ProxiedServices>[0]['client'],
    onChange: () => {
      state.heard += 1;
    },
    log: SILENT,
    clock,
    signal: new AbortController().signal,
  });
  const setVnid = (name: string, vnid: number) =>
    netNamespaces.set(name, { name, vnid: vnidOf(vnid), multicast: false });
  setVnid('alpha', 7);
  setVnid('beta', 8);
  /** As a pass does. */
  const endpoints = (): string[] | undefined => {
    proxied.take();
    return proxied.table
      .ports()
      .get('alpha/web:')
      ?.clusterEndpoints.map(({ ip }) => `${ip}`);
  };
  return { proxied, services, endpointSlices, setVnid, state, clock, endpoints };
}

const service = (hasSelector: boolean) =>
  parseService({
    metadata: { namespace: 'alpha', name: 'web' },
    spec: { clusterIP: '172.30.0.1', ports: [{ port: 80 }], ...(hasSelector && { selector: { app: 'web' } }) },
  });

const slice = (isManaged: boolean): WatchedSlice => ({
  ...parseEndpointSlice({
    metadata: { namespace: 'alpha', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.131.2.5'] }],
    ports: [{ port: 8080 }],
  }),
  isManaged,
  changedMs: 0,
});

describe('ProxiedServices', () => {
  for (const [first, second] of [
    ['service', 'slice'],
    ['slice', 'service'],
  ])
    test(`has no endpoint of another project, when the ${first} is heard of before the ${second}`, async () => {
      const { services, endpointSlices, endpoints } = setUp('beta');
      const hear = {
        service: () => services.set('alpha/web', service(false)),
        slice: () => endpointSlices.set('alpha/web-1', slice(true)),
      };
      hear[first === 'service' ? 'service' : 'slice']();
      endpoints();
      hear[second === 'service' ? 'service' : 'slice']();
      assert.deepEqual(endpoints(), []);
      await settled();
      assert.deepEqual(endpoints(), []);
    });

  test('says so when an answer has come, and has the endpoint from then on', async () => {
    const { services, endpointSlices, endpoints, state } = setUp('alpha');
    services.set('alpha/web', service(false));
    endpointSlices.set('alpha/web-1', slice(false));
    assert.deepEqual(endpoints(), []);
    const { heard } = state;
    await settled();
    assert.equal(state.heard, heard + 1);
    assert.deepEqual(endpoints(), ['10.131.2.5']);
  });

  test('is synced when it has been asked whose the endpoints are, and after five seconds in any case', async () => {
    for (const isAnswered of [true, false]) {
      const { proxied, services, endpointSlices, state, clock, endpoints } = setUp('alpha');
      state.isSilent = !isAnswered;
      services.set('alpha/web', service(false));
      endpointSlices.set('alpha/web-1', slice(false));
      const synced = proxied.synced();
      if (!isAnswered) await clock.pass(5_000);
      await synced;
      assert.deepEqual([endpoints(), clock.nowMs()], isAnswered ? [['10.131.2.5'], 0] : [[], 5_000]);
    }
  });

  test('has the endpoint for as long as its project is joined', async () => {
    const { services, endpointSlices, setVnid, endpoints } = setUp('beta');
    services.set('alpha/web', service(false));
    endpointSlices.set('alpha/web-1', slice(false));
    await settled();
    assert.deepEqual(endpoints(), []);
    setVnid('beta', 7);
    assert.deepEqual(endpoints(), ['10.131.2.5']);
    setVnid('beta', 8);
    assert.deepEqual(endpoints(), []);
  });

  test('asks nothing about a slice of the controller, until its service loses the selector', async () => {
    const { services, endpointSlices, endpoints, state } = setUp('beta');
    endpointSlices.set('alpha/web-1', slice(true));
    services.set('alpha/web', service(true));
    await settled();
    assert.deepEqual([endpoints(), state.asked], [['10.131.2.5'], 0]);
    services.set('alpha/web', service(false));
    assert.deepEqual(endpoints(), []);
    await settled();
    assert.deepEqual([endpoints(), state.asked], [[], 1]);
  });

  test('forgets a slice that is gone', async () => {
    const { services, endpointSlices, endpoints, setVnid, state } = setUp('alpha');
    services.set('alpha/web', service(false));
    endpointSlices.set('alpha/web-1', slice(false));
    await settled();
    endpointSlices.set('alpha/web-1', undefined);
    assert.deepEqual(endpoints(), []);
    const { heard } = state;
    setVnid('alpha', 9);
    assert.equal(state.heard, heard);
  });
});
