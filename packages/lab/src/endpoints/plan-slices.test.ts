import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceObject } from '@tenet/model';
import fc from 'fast-check';
import type { EndpointGroup } from './endpoint-groups.ts';
import { type OwnedSlice, planSlices, type SlicePlan } from './plan-slices.ts';

const SERVICE: ServiceObject = {
  metadata: { namespace: 'alpha', name: 'web', uid: 'service', labels: { team: 'a' } },
  spec: {},
};
const PORTS = [{ name: '', protocol: 'TCP', port: 8080 }];
const group = (addresses: readonly string[], port = 8080): EndpointGroup => ({
  ports: [{ name: '', protocol: 'TCP', port }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
});
const addressesOf = ({ endpoints }: OwnedSlice) => (endpoints ?? []).map(({ addresses }) => addresses[0]);

/** What the API has once a plan was carried out. */
function after(existing: readonly OwnedSlice[], { create, update, remove }: SlicePlan): OwnedSlice[] {
  const gone = new Set([...remove, ...update].map(({ metadata }) => metadata.name));
  return [...existing.filter(({ metadata }) => !gone.has(metadata.name)), ...update, ...create];
}

const plan = (groups: readonly EndpointGroup[], existing: readonly OwnedSlice[] = [], triggeredAt = 'now') =>
  planSlices(SERVICE, groups, { existing, triggeredAt, maxEndpoints: 3 });

test('planSlices() makes a slice that says whose it is, who keeps it and when it came about', () => {
  const [slice, ...more] = plan([group(['10.131.2.2'])]).create;
  assert.deepEqual(more, []);
  assert.match(slice?.metadata.name ?? '', /^web-[0-9a-f]{5}$/);
  assert.deepEqual(slice, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: slice?.metadata.name,
      namespace: 'alpha',
      labels: {
        team: 'a',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': 'now' },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'service', controller: true, blockOwnerDeletion: true },
      ],
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.131.2.2'], conditions: { ready: true } }],
    ports: PORTS,
  });
});

test('planSlices() marks the slices of a headless service', () => {
  const headless = { ...SERVICE, spec: { clusterIP: 'None' } };
  const [slice] = planSlices(headless, [group(['10.131.2.2'])], { existing: [], triggeredAt: 'now' }).create;
  assert.equal(slice?.metadata.labels?.['service.kubernetes.io/headless'], '');
});

test('planSlices() keeps one empty slice of a service without endpoints', () => {
  const first = plan([]);
  assert.deepEqual(first.create.map(addressesOf), [[]]);
  assert.deepEqual(plan([], after([], first)), { create: [], update: [], remove: [] });
});

test('planSlices() plans nothing when all is there, at whatever time', () => {
  const existing = after([], plan([group(['a', 'b', 'c', 'd']), group(['e'], 9090)]));
  assert.equal(existing.length, 3);
  const later = plan([group(['a', 'b', 'c', 'd']), group(['e'], 9090)], existing, 'later');
  assert.deepEqual(later, { create: [], update: [], remove: [] });
});

test('planSlices() leaves endpoints where they are and fills the gaps', () => {
  const existing = after([], plan([group(['a', 'b', 'c', 'd', 'e', 'f'])]));
  const { create, update, remove } = plan([group(['A', 'a', 'c', 'd', 'e', 'f'])], existing);
  assert.deepEqual([create, update.map(addressesOf), remove], [[], [['a', 'c', 'A']], []]);
});

test('planSlices() uses the slice of ports that are no more for new ports', () => {
  const existing = after([], plan([group(['a'])]));
  const { create, update, remove } = plan([group(['a'], 9090)], existing);
  assert.deepEqual([create, remove], [[], []]);
  assert.deepEqual(
    update.map(({ metadata, ports }) => [metadata.name, ports?.[0]?.port]),
    [[existing[0]?.metadata.name, 9090]],
  );
});

test('planSlices() comes to what is wanted from any state, each endpoint once, and then rests', () => {
  const addresses = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { maxLength: 8 });
  const state = fc.record({ http: addresses, other: addresses });
  fc.assert(
    fc.property(fc.array(state, { minLength: 1, maxLength: 5 }), (states) => {
      let existing: OwnedSlice[] = [];
      for (const { http, other } of states) {
        const groups = [group(http), group(other, 9090)].filter(({ endpoints }) => endpoints.length > 0);
        existing = after(existing, plan(groups, existing));
        const seen = existing.flatMap((slice) =>
          addressesOf(slice).map((address) => `${address}:${slice.ports?.[0]?.port}`),
        );
        assert.deepEqual(seen.sort(), [...http.map((a) => `${a}:8080`), ...other.map((a) => `${a}:9090`)].sort());
        assert.ok(existing.every((slice) => addressesOf(slice).length <= 3));
        assert.equal(new Set(existing.map(({ metadata }) => metadata.name)).size, existing.length);
        assert.deepEqual(plan(groups, existing), { create: [], update: [], remove: [] });
      }
    }),
  );
});
