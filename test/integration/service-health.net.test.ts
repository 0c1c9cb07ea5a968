/** Load balancers that ask a node about a service with policy Local: a real daemon, asked over its own network. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ip } from '@tenet/std';
import { httpFrom } from '../http-from.ts';
import { managedBy } from './managed-slice.ts';
import { type Daemon, NODE, type PrivateNode, privateNode, until } from './private-node.ts';

const PORT = 32_123;
const NODE_IP = Ip.parse('10.122.70.72');

describe('healthCheckNodePort', () => {
  let node: PrivateNode;
  let daemon: Daemon;

  before(async () => {
    node = await privateNode();
    await node.kube.create('Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'alpha' } });
    daemon = await node.start();
    await daemon.ready();
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });

  /** Undefined when nobody listens. */
  const ask = () =>
    httpFrom(`/run/netns/${node.ovs.netns}`, { ip: NODE_IP, port: PORT, path: '/healthz' }).catch(() => undefined);

  const answers = (status: number, localEndpoints: number) =>
    until(async () => ((await ask())?.status === status ? true : undefined), `${status}`).then(async () =>
      assert.deepEqual(JSON.parse((await ask())?.body ?? ''), {
        service: { namespace: 'alpha', name: 'web' },
        localEndpoints,
        serviceProxyHealthy: true,
      }),
    );

  test('says where ready endpoints are, follows them, and is closed with its service', async () => {
    await node.kube.create('Service', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'alpha', name: 'web' },
      spec: {
        type: 'LoadBalancer',
        selector: { app: 'web' },
        clusterIP: '172.30.0.10',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: PORT,
        ports: [{ port: 80, nodePort: 30_080 }],
      },
    });
    await answers(503, 0);
    const endpoint = (ready: boolean, nodeName: string) => ({
      endpoints: [{ addresses: ['10.131.2.4'], nodeName, conditions: { ready, serving: true, terminating: !ready } }],
    });
    await node.kube.create('EndpointSlice', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace: 'alpha', name: 'web-1', labels: managedBy('web') },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      ...endpoint(true, NODE),
    });
    await answers(200, 1);
    const change = (ready: boolean, nodeName: string) =>
      node.kube.patch('EndpointSlice', { namespace: 'alpha', name: 'web-1' }, endpoint(ready, nodeName));
    await change(false, NODE);
    await answers(503, 0);
    await change(true, NODE);
    await answers(200, 1);
    await change(true, 'n2');
    await answers(503, 0);
    await node.kube.delete('Service', { namespace: 'alpha', name: 'web' });
    await until(async () => ((await ask()) === undefined ? true : undefined), 'the port is closed');
  });
});
