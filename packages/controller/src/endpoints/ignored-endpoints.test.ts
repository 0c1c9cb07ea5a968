import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSliceObject } from '@tenet/model';
import { Prefix } from '@tenet/std';
import { endpointRefusals, faultsOf, sameFaults } from './ignored-endpoints.ts';

const SERVICES = Prefix.parse('172.30.0.0/16');

function slice(service: string, ...addresses: readonly string[]): EndpointSliceObject {
  return {
    metadata: { namespace: 'alpha', name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 80 }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  };
}

const faults = (service: string, ...addresses: readonly string[]) => faultsOf(slice(service, ...addresses), SERVICES);

describe('faultsOf()', () => {
  const FAULTY = [
    { address: '127.0.0.1', why: 'is loopback' },
    { address: '169.254.169.254', why: 'is link-local' },
    { address: '224.0.0.5', why: 'is multicast' },
    { address: '0.0.0.0', why: 'is unspecified' },
    { address: '172.30.0.1', why: 'is in the service network 172.30.0.0/16' },
  ];
  for (const { address, why } of FAULTY) {
    test(`finds that ${address} ${why}`, () => assert.deepEqual(faults('web', address).ignored, [`${address} ${why}`]));
  }

  test('finds nothing wrong with a pod, a node and an address outside', () => {
    assert.deepEqual(faults('web', '10.131.2.5', '10.122.70.72', '198.51.100.1').ignored, []);
  });
});

test('sameFaults() tells slices apart by their service and by what is wrong with them', () => {
  const one = faults('web', '127.0.0.1', '10.131.2.5');
  assert.equal(sameFaults(one, faults('web', '127.0.0.1', '10.131.2.6')), true);
  for (const other of [
    faults('api', '127.0.0.1'),
    faults('web'),
    faults('web', '127.0.0.2'),
    faults('web', '127.0.0.1', '127.0.0.2'),
  ])
    assert.equal(sameFaults(one, other), false);
});

describe('endpointRefusals()', () => {
  const there = () => 'uid';

  test('are none for slices with which nothing is wrong, and for services that are not there', () => {
    assert.deepEqual(endpointRefusals([faults('web', '10.131.2.5')], there), []);
    assert.deepEqual(
      endpointRefusals([faults('web', '127.0.0.1')], () => undefined),
      [],
    );
  });

  test('are one a service, whatever its slices and their order', () => {
    const slices = [faults('web', '169.254.0.1', '127.0.0.1'), faults('api', '127.0.0.1'), faults('web', '127.0.0.1')];
    for (const order of [slices, slices.toReversed()]) {
      const refusals = endpointRefusals(order, there).toSorted((a, b) => (a.subject.name < b.subject.name ? -1 : 1));
      assert.deepEqual(
        refusals.map(({ subject }) => subject),
        ['api', 'web'].map((name) => ({ kind: 'Service', namespace: 'alpha', name, uid: 'uid' })),
      );
      assert.equal(
        refusals[1]?.error.message,
        'nothing is sent to endpoints of Service alpha/web: 127.0.0.1 is loopback, 169.254.0.1 is link-local',
      );
    }
  });

  test('name a few of very many endpoints', () => {
    const [refusal] = endpointRefusals(
      [faults('web', ...Array.from({ length: 90 }, (_, at) => `127.0.0.${at + 10}`))],
      there,
    );
    assert.match(refusal?.error.message ?? '', /127\.0\.0\.12 is loopback and 87 more$/);
  });
});
