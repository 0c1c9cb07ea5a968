import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../json.ts';
import { StatusError } from '../status.ts';
import { ApiStore } from '../store.ts';

const store = new ApiStore({ nowMs: () => 1_000, uid: () => '00000000-1' });
const slices = store.resources.ofKind('EndpointSlice');
const key = (name: string) => ({ namespace: 'default', name });
const make = (name: string, rest: JsonObject) => store.create(slices, { metadata: { name }, ...rest }, key(name));

// biome-ignore format: one slice a row
const REFUSED: readonly (readonly [what: string, slice: JsonObject, field: string])[] = [
  ['no address type', {}, 'addressType'],
  ['an address type that is none', { addressType: 'IPv5' }, 'addressType'],
  ['an endpoint without an address', { addressType: 'IPv4', endpoints: [{ addresses: [] }] }, 'endpoints[0].addresses'],
  ['an address of another family', { addressType: 'IPv4', endpoints: [{ addresses: ['fd00::1'] }] }, 'endpoints[0].addresses[0]'],
  ['more endpoints than fit', { addressType: 'IPv4', endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) }, 'endpoints'],
];
for (const [what, slice, field] of REFUSED) {
  test(`ENDPOINT_SLICE_RULES answers 422 to ${what}`, () =>
    assert.throws(
      () => make('refused', slice),
      (error) => error instanceof StatusError && error.code === 422 && error.details?.causes?.[0]?.field === field,
    ));
}

test('ENDPOINT_SLICE_RULES completes ports, and takes an address that no endpoint should have', () => {
  const slice = make('taken', {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'] }],
    ports: [{ port: 80 }, { name: 'dns', protocol: 'UDP', port: 53 }],
  });
  assert.deepEqual(slice.ports, [
    { port: 80, name: '', protocol: 'TCP' },
    { name: 'dns', protocol: 'UDP', port: 53 },
  ]);
});

test('ENDPOINT_SLICE_RULES lets a slice be replaced without its version, but not change its address type', () => {
  make('kept', { addressType: 'IPv4' });
  const replace = (addressType: string) =>
    store.update(slices, key('kept'), { metadata: { name: 'kept' }, addressType, endpoints: [] });
  assert.throws(
    () => replace('IPv6'),
    (error) => error instanceof StatusError && error.code === 422,
  );
  assert.equal(replace('IPv4').addressType, 'IPv4');
});
