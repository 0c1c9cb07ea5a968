/** A UDP client that goes on sending reaches what a service is now, not what it was: a real daemon, iptables and conntrack. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ConntrackEntry, listConntrack, ProbeSocket } from '@tenet/host';
import type { EndpointSliceObject } from '@tenet/model';
import { Ip } from '@tenet/std';
import { managedBy } from './managed-slice.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const SERVICE = Ip.parse('172.30.0.10');
const [FIRST, SECOND] = ['10.131.2.4', '10.131.2.5'];

describe('conntrack of a service over UDP', () => {
  let node: PrivateNode;
  let daemon: Daemon;
  let namespace: string;

  before(async () => {
    node = await privateNode();
    namespace = `/run/netns/${node.ovs.netns}`;
    await node.kube.create('Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'alpha' } });
    daemon = await node.start();
    await daemon.ready();
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });

  /** The one entry of the client, and where its answers would come from. */
  const entries = (): readonly ConntrackEntry[] =>
    listConntrack({ originalDestination: SERVICE, protocol: 17 }, namespace);
  const answerers = () => entries().map(({ reply }) => `${reply.source}:${reply.sourcePort}`);

  const endpoints = (...addresses: readonly string[]): Pick<EndpointSliceObject, 'endpoints'> => ({
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  });

  test('leads past it, to its first endpoint, to the next one, and to none, each as soon as the rules do', async () => {
    using client = ProbeSocket.open({ protocol: 'udp', namespace, to: SERVICE, port: 53 }) as ProbeSocket;
    /** Goes on sending until conntrack has what is wanted of it. */
    const leadsTo = (wanted: readonly string[]) =>
      until(() => {
        client.send(Uint8Array.of(1));
        const now = answerers();
        return JSON.stringify(now) === JSON.stringify(wanted) ? true : undefined;
      }, `conntrack leads to ${wanted}`);

    await leadsTo([`${SERVICE}:53`]);
    await node.kube.create('Service', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'alpha', name: 'dns' },
      spec: { selector: { app: 'dns' }, clusterIP: `${SERVICE}`, ports: [{ port: 53, protocol: 'UDP' }] },
    });
    const slice = {
      metadata: { namespace: 'alpha', name: 'dns-1', labels: managedBy('dns') },
      addressType: 'IPv4',
      ports: [{ name: '', port: 5353, protocol: 'UDP' }],
    };
    await node.kube.create('EndpointSlice', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      ...slice,
      ...endpoints(FIRST),
    });
    await leadsTo([`${FIRST}:5353`]);
    await node.kube.patch('EndpointSlice', { namespace: 'alpha', name: 'dns-1' }, endpoints(SECOND));
    await leadsTo([`${SECOND}:5353`]);
    const ended = () => daemon.lines().filter(({ message }) => message === 'stale connections ended');
    assert.ok(ended().length >= 2, daemon.text());
    // What was added changes nothing for who is there.
    const count = ended().length;
    await node.kube.patch('EndpointSlice', { namespace: 'alpha', name: 'dns-1' }, endpoints(FIRST, SECOND));
    await until(async () => ((await hasEndpoint(FIRST)) ? true : undefined), 'the rules lead to both');
    await leadsTo([`${SECOND}:5353`]);
    assert.equal(ended().length, count);
    await node.kube.patch('EndpointSlice', { namespace: 'alpha', name: 'dns-1' }, { endpoints: [] });
    await until(() => (answerers().includes(`${SECOND}:5353`) ? undefined : true), 'nothing leads there');
  });

  async function hasEndpoint(address: string): Promise<boolean> {
    const chains = (await node.rules()).tables.get('nat')?.chains.values() ?? [];
    return [...chains].some(({ rules }) => rules.some(({ text }) => text.includes(`--to-destination ${address}:5353`)));
  }
});
