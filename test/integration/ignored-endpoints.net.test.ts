/** Owners of Services hear from the controller of endpoints that nobody will ever reach, against the lab's API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { controllerCluster, eventually } from './controller-cluster.ts';
import { CLUSTER_NETWORK } from './private-node.ts';

describe('hand-made endpoints to which nothing is sent', () => {
  test('are told by one Event on the Service, not again after an outage, and again when they are others', async () => {
    await using cluster = await controllerCluster(CLUSTER_NETWORK);
    const { client } = cluster;
    await client.create('Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'alpha' } });
    for (const name of ['web', 'good']) {
      const spec = { clusterIP: name === 'web' ? '172.30.0.10' : '172.30.0.11', ports: [{ port: 80 }] };
      await client.create('Service', {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'alpha' },
        spec,
      });
    }
    const slice = (service: string, address: string, managedBy = 'somebody') =>
      client.create('EndpointSlice', {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: `${service}-${managedBy}`,
          namespace: 'alpha',
          labels: { 'kubernetes.io/service-name': service, 'endpointslice.kubernetes.io/managed-by': managedBy },
        },
        addressType: 'IPv4',
        ports: [{ name: '', port: 80, protocol: 'TCP' }],
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
      });
    await slice('web', '127.0.0.1');
    await slice('good', '10.131.2.5');
    // What Kubernetes makes from pods is not looked at.
    await slice('good', '127.0.0.1', 'endpointslice-controller.k8s.io');
    await using _controller = await cluster.controller();
    const told = async () => {
      const { items } = await client.list('Event', { namespace: 'alpha' });
      return items.map(({ involvedObject: { kind, name, uid }, reason, type, message, count }) => ({
        kind,
        name,
        uid,
        reason,
        type,
        message,
        count,
      }));
    };
    const uid = (await client.get('Service', { namespace: 'alpha', name: 'web' }))?.metadata.uid;
    const message =
      'nothing is sent to an endpoint of Service alpha/web: 127.0.0.1 is loopback; set the addresses of its EndpointSlices to ones that every node can reach';
    const event = { kind: 'Service', name: 'web', uid, reason: 'EndpointIgnored', type: 'Warning', message, count: 1 };
    await eventually('the Event', async () => ((await told()).length > 0 ? true : undefined));
    assert.deepEqual(await told(), [event]);
    await cluster.outage(async () => {});
    await client.patch(
      'EndpointSlice',
      { namespace: 'alpha', name: 'web-somebody' },
      { endpoints: [{ addresses: ['169.254.0.1'] }] },
    );
    await eventually('the other Event', async () => ((await told()).length > 1 ? true : undefined));
    const [first, second, ...more] = await told();
    assert.deepEqual([[first], more], [[event], []]);
    assert.match(second?.message ?? '', /169\.254\.0\.1 is link-local/);
  });
});
