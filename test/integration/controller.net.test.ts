/** The controller against the lab's API server: real requests, real watches, real conflicts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import type { KubeClient } from '@tenet/kube';
import {
  ANNOTATION,
  apiVersionOf,
  type ClusterNetworkObject,
  type HostSubnetObject,
  KINDS,
  type NetNamespaceObject,
} from '@tenet/model';
import { isTenetError, Prefix } from '@tenet/std';
import { type ControllerCluster, controllerCluster, eventually } from './controller-cluster.ts';

const NETWORK: ClusterNetworkObject = {
  apiVersion: 'network.openshift.io/v1',
  kind: 'ClusterNetwork',
  metadata: { name: 'default' },
  serviceNetwork: '172.30.0.0/16',
  pluginName: 'redhat/openshift-ovs-multitenant',
  clusterNetworks: [{ CIDR: '10.128.0.0/14', hostSubnetLength: 9 }],
  network: '10.128.0.0/14',
  hostsubnetlength: 9,
};

const ALWAYS_THERE = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

async function createNode({ client }: ControllerCluster, name: string, address: string): Promise<void> {
  const status = { addresses: [{ type: 'InternalIP', address }] };
  await client.create('Node', { apiVersion: 'v1', kind: 'Node', metadata: { name }, status });
  // A server that keeps status apart drops it from a create.
  await client.patch('Node', { name, subresource: 'status' }, { status });
}

const createNamespace = ({ client }: ControllerCluster, name: string) =>
  client.create('Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

const ask = ({ client }: ControllerCluster, name: string, request: string) =>
  client.patch('NetNamespace', { name }, { metadata: { annotations: { [ANNOTATION.changeNetwork]: request } } });

const hostSubnetOf = (cluster: ControllerCluster, name: string, wanted: (object: HostSubnetObject) => boolean) =>
  eventually(`HostSubnet ${name}`, async () => {
    const object = await cluster.client.get('HostSubnet', { name });
    return object !== undefined && wanted(object) ? object : undefined;
  });

const netNamespaceOf = (cluster: ControllerCluster, name: string, wanted: (object: NetNamespaceObject) => boolean) =>
  eventually(`NetNamespace ${name}`, async () => {
    const object = await cluster.client.get('NetNamespace', { name });
    return object !== undefined && wanted(object) ? object : undefined;
  });

const isAnswered = ({ metadata }: NetNamespaceObject) => metadata.annotations?.[ANNOTATION.changeNetwork] === undefined;

const isGone = (client: KubeClient, kind: 'HostSubnet' | 'NetNamespace', name: string) =>
  eventually(`${kind} ${name} gone`, async () => ((await client.get(kind, { name })) === undefined ? true : undefined));

const eventsOn = async ({ client }: ControllerCluster, kind: string, name: string) => {
  const { items } = await client.list('Event', { namespace: 'default' });
  return items.filter(({ involvedObject }) => involvedObject.kind === kind && involvedObject.name === name);
};

describe('a ClusterNetwork that makes no sense', () => {
  test('ends the controller with one error that names the field', async () => {
    const clusterNetworks = [{ CIDR: '172.30.0.0/16', hostSubnetLength: 9 }];
    const { network: _, hostsubnetlength: __, ...rest } = NETWORK;
    await using cluster = await controllerCluster({ ...rest, clusterNetworks });
    await using controller = await cluster.controller();
    await assert.rejects(controller.ended, (error) => {
      assert(isTenetError(error, 'OBJECT_INVALID'));
      assert.match(
        error.message,
        /clusterNetworks\[0\] 172\.30\.0\.0\/16 overlaps the service network 172\.30\.0\.0\/16$/,
      );
      return true;
    });
    assert.deepEqual((await cluster.client.list('NetNamespace')).items, []);
  });

  test('when missing, is waited for with one line', async () => {
    await using cluster = await controllerCluster();
    await using controller = await cluster.controller();
    const waiting = () => controller.lines.filter(({ phrase }) => phrase === 'waiting for the cluster network');
    await eventually('the line', async () => (waiting().length > 0 ? true : undefined));
    await cluster.client.create('ClusterNetwork', NETWORK);
    await netNamespaceOf(cluster, 'default', ({ netid }) => netid === 0);
    assert.equal(waiting().length, 1);
  });

  test('when changed under a running controller, is reported and not acted on', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await using _controller = await cluster.controller();
    await netNamespaceOf(cluster, 'default', ({ netid }) => netid === 0);
    const clusterNetworks = [{ CIDR: '10.64.0.0/14', hostSubnetLength: 9 }];
    const change = { clusterNetworks, network: '10.64.0.0/14' };
    await cluster.client.patch('ClusterNetwork', { name: 'default' }, change);
    const event = await eventually('the Event', async () => (await eventsOn(cluster, 'ClusterNetwork', 'default'))[0]);
    assert.equal(event.reason, 'ClusterNetworkChanged');
    await createNode(cluster, 'a', '10.0.0.1');
    const { subnet } = await hostSubnetOf(cluster, 'a', () => true);
    assert.equal(subnet, '10.128.0.0/23');
  });
});

describe('the controller', () => {
  test('gives a Node a subnet, follows its address, and takes the subnet back', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await using _controller = await cluster.controller();
    await createNode(cluster, 'a', '10.0.0.1');
    const made = await hostSubnetOf(cluster, 'a', () => true);
    const node = await cluster.client.get('Node', { name: 'a' });
    assert.deepEqual([made.host, made.hostIP, made.subnet], ['a', '10.0.0.1', '10.128.0.0/23']);
    assert.equal(made.metadata.annotations?.[ANNOTATION.nodeUid], node?.metadata.uid);

    const status = { addresses: [{ type: 'InternalIP', address: '10.0.0.2' }] };
    await cluster.client.patch('Node', { name: 'a', subresource: 'status' }, { status });
    const moved = await hostSubnetOf(cluster, 'a', ({ hostIP }) => hostIP === '10.0.0.2');
    assert.deepEqual([moved.subnet, moved.metadata.uid], [made.subnet, made.metadata.uid]);

    await cluster.client.delete('Node', { name: 'a' });
    await isGone(cluster.client, 'HostSubnet', 'a');
  });

  test('replaces the HostSubnet of a Node that was replaced by another of its name', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await createNode(cluster, 'a', '10.0.0.1');
    {
      await using _controller = await cluster.controller();
      await hostSubnetOf(cluster, 'a', () => true);
    }
    await cluster.client.delete('Node', { name: 'a' });
    await createNode(cluster, 'a', '10.0.0.3');
    const uid = (await cluster.client.get('Node', { name: 'a' }))?.metadata.uid;
    await using _controller = await cluster.controller();
    const made = await hostSubnetOf(cluster, 'a', ({ metadata }) => metadata.annotations?.[ANNOTATION.nodeUid] === uid);
    assert.equal(made.hostIP, '10.0.0.3');
  });

  test('gives a foreign host the subnet that it asks for', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await using _controller = await cluster.controller();
    const annotations = { [ANNOTATION.assignSubnet]: 'true', [ANNOTATION.fixedVnidHost]: '0', other: 'x' };
    const asking: HostSubnetObject = {
      apiVersion: 'network.openshift.io/v1',
      kind: 'HostSubnet',
      metadata: { name: 'f5', annotations },
      host: 'f5',
      hostIP: '192.168.7.7',
      subnet: '',
    };
    await cluster.client.create('HostSubnet', asking);
    const given = await hostSubnetOf(cluster, 'f5', ({ subnet }) => subnet !== '');
    assert.equal(given.subnet, '10.128.0.0/23');
    assert.deepEqual(given.metadata.annotations, { [ANNOTATION.fixedVnidHost]: '0' });
  });

  test('numbers projects, answers their requests and forgets them with their Namespace', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await using _controller = await cluster.controller();
    for (const name of ['a', 'b', 'c']) await createNamespace(cluster, name);
    const numbered = ({ netid }: NetNamespaceObject) => netid >= 10;
    const [a, b] = [await netNamespaceOf(cluster, 'a', numbered), await netNamespaceOf(cluster, 'b', numbered)];
    await netNamespaceOf(cluster, 'c', numbered);
    for (const name of ['default', 'kube-system']) await netNamespaceOf(cluster, name, ({ netid }) => netid === 0);
    assert.notEqual(a.netid, b.netid);

    await ask(cluster, 'a', 'join:b');
    assert.equal((await netNamespaceOf(cluster, 'a', isAnswered)).netid, b.netid);
    await ask(cluster, 'c', 'global');
    assert.equal((await netNamespaceOf(cluster, 'c', isAnswered)).netid, 0);
    await ask(cluster, 'a', 'isolate');
    const isolated = await netNamespaceOf(cluster, 'a', isAnswered);
    assert(isolated.netid >= 10 && isolated.netid !== b.netid);
    await ask(cluster, 'a', 'isolate');
    assert.equal((await netNamespaceOf(cluster, 'a', isAnswered)).netid, isolated.netid);

    await cluster.client.delete('NetNamespace', { name: 'b' });
    await netNamespaceOf(cluster, 'b', ({ metadata }) => metadata.uid !== b.metadata.uid);
    await cluster.client.delete('Namespace', { name: 'a' });
    await isGone(cluster.client, 'NetNamespace', 'a');
  });

  test('leaves a NetNamespace alone that is made before its Namespace, and takes it back with that', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await using _controller = await cluster.controller();
    const early = { apiVersion: apiVersionOf('NetNamespace'), kind: 'NetNamespace', metadata: { name: 'early' } };
    const made = await cluster.client.create('NetNamespace', { ...early, netname: 'early', netid: 4711 });
    // Whoever comes after it has been seen: the pass that numbers this one saw the other.
    await createNamespace(cluster, 'later');
    await netNamespaceOf(cluster, 'later', () => true);
    await createNamespace(cluster, 'early');
    const kept = await netNamespaceOf(cluster, 'early', ({ metadata }) => metadata.annotations !== undefined);
    assert.deepEqual([kept.metadata.uid, kept.netid], [made.metadata.uid, 4711]);
    await cluster.client.delete('Namespace', { name: 'early' });
    await isGone(cluster.client, 'NetNamespace', 'early');
  });

  test('tells refusals once, as Events and log lines in the same words, and leaves the object as it is', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await using controller = await cluster.controller();
    await netNamespaceOf(cluster, 'default', () => true);
    await ask(cluster, 'default', 'isolate');
    await createNode(cluster, 'lost', '127.0.0.1');
    const onProject = await eventually('an Event', async () => (await eventsOn(cluster, 'NetNamespace', 'default'))[0]);
    const onNode = await eventually('an Event', async () => {
      const events = await eventsOn(cluster, 'Node', 'lost');
      return events.find(({ reason }) => reason === 'HostAddressUnusable');
    });
    assert.equal(onProject.reason, 'ChangeRequestRefused');
    const refused = () => controller.lines.filter(({ phrase }) => phrase === 'refused');
    const words = refused().map(({ facts }) => `${facts.error}; ${facts.remedy}`);
    assert(words.includes(onProject.message) && words.includes(onNode.message));

    // Many passes later it is still said once, and the request still stands.
    for (let at = 0; at < 5; at++) await createNamespace(cluster, `p${at}`);
    await netNamespaceOf(cluster, 'p4', () => true);
    const object = await cluster.client.get('NetNamespace', { name: 'default' });
    assert.equal(object?.metadata.annotations?.[ANNOTATION.changeNetwork], 'isolate');
    assert.equal(object?.netid, 0);
    const events = await eventsOn(cluster, 'NetNamespace', 'default');
    assert.deepEqual(
      events.map(({ count }) => count),
      [1],
    );
    assert.equal(refused().filter(({ facts }) => facts.kind === 'NetNamespace').length, 1);

    await ask(cluster, 'default', 'nonsense');
    const again = await eventually('a second Event', async () =>
      (await eventsOn(cluster, 'NetNamespace', 'default')).find(({ message }) => message.includes('"nonsense"')),
    );
    assert.equal(again.reason, 'ChangeRequestRefused');
  });

  test('makes up for what it missed while the API server was away', async () => {
    await using cluster = await controllerCluster(NETWORK);
    await using controller = await cluster.controller();
    await createNamespace(cluster, 'before');
    await createNode(cluster, 'a', '10.0.0.1');
    const kept = await hostSubnetOf(cluster, 'a', () => true);
    const { metadata } = await netNamespaceOf(cluster, 'before', () => true);
    await cluster.outage(async (store) => {
      await eventually('the line', async () =>
        controller.lines.some(({ facts }) => facts.code === 'KUBE_UNREACHABLE') ? true : undefined,
      );
      const namespaces = store.resources.find(KINDS.Namespace);
      const netNamespaces = store.resources.find(KINDS.NetNamespace);
      assert(namespaces !== undefined && netNamespaces !== undefined);
      store.create(namespaces, { metadata: { name: 'meanwhile' } });
      store.remove(netNamespaces, { name: 'before', namespace: undefined });
    });
    await netNamespaceOf(cluster, 'meanwhile', ({ netid }) => netid >= 10);
    await netNamespaceOf(cluster, 'before', ({ metadata: now }) => now.uid !== metadata.uid);
    assert.deepEqual(await cluster.client.get('HostSubnet', { name: 'a' }), kept);
  });

  test('doubles nothing when 200 nodes and 500 namespaces come at once and it is restarted in the middle', async () => {
    await using cluster = await controllerCluster(NETWORK);
    const first = await cluster.controller();
    const nodes = Array.from({ length: 200 }, (_, at) =>
      createNode(cluster, `n${at}`, `10.0.${at >> 7}.${(at & 127) + 1}`),
    );
    const namespaces = Array.from({ length: 500 }, (_, at) => createNamespace(cluster, `p${at}`));
    await eventually('a third of it', async () => {
      const { items } = await cluster.client.list('NetNamespace');
      return items.length > 170 ? true : undefined;
    });
    await first[Symbol.asyncDispose]();
    const early = new Map((await cluster.client.list('NetNamespace')).items.map((o) => [o.metadata.name, o.netid]));
    const began = Date.now();
    await using second = await cluster.controller();
    await Promise.all([...nodes, ...namespaces]);
    const [subnets, projects] = await eventually('all of it', async () => {
      const { items: hostSubnets } = await cluster.client.list('HostSubnet');
      const { items: netNamespaces } = await cluster.client.list('NetNamespace');
      const isAll = hostSubnets.length === 200 && netNamespaces.length === 500 + ALWAYS_THERE.length;
      return isAll ? ([hostSubnets, netNamespaces] as const) : undefined;
    });
    console.log(`converged ${Date.now() - began} ms after the restart`);
    const prefixes = subnets.map(({ subnet }) => Prefix.parse(subnet));
    for (const [at, one] of prefixes.entries()) for (const other of prefixes.slice(0, at)) assert(!one.overlaps(other));
    const isolated = projects.filter(({ netid }) => netid !== 0);
    assert.equal(new Set(isolated.map(({ netid }) => netid)).size, isolated.length);
    assert.equal(projects.length - isolated.length, 2);
    for (const { metadata, netid } of projects) assert.equal(early.get(metadata.name) ?? netid, netid);
    for (const { lines } of [first, second])
      assert.deepEqual(
        lines.filter(({ phrase }) => phrase === 'refused').filter(({ facts }) => facts.code !== 'NODE_ADDRESS_MISSING'),
        [],
      );
    assert.deepEqual(
      second.lines.filter(({ phrase }) => phrase === 'pass failed'),
      [],
    );
  });
});

const MAIN = join(import.meta.dirname, '../../packages/cli/src/main.ts');

describe('tenet controller', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`works with a kubeconfig and its flags, writes JSON lines, and ends with 0 at ${signal}`, async () => {
      await using cluster = await controllerCluster(NETWORK);
      const flags = ['--kubeconfig', cluster.kubeconfig, '--global-namespaces', 'default,kube-public'];
      const child = spawn(process.execPath, [MAIN, 'controller', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
      try {
        const written = text(child.stderr);
        await netNamespaceOf(cluster, 'kube-public', ({ netid }) => netid === 0);
        await netNamespaceOf(cluster, 'kube-system', ({ netid }) => netid >= 10);
        const exit = once(child, 'exit');
        child.kill(signal);
        assert.deepEqual(await exit, [0, null]);
        const lines = (await written).trim().split('\n');
        const last: unknown = JSON.parse(lines.at(-1) ?? '');
        assert(typeof last === 'object' && last !== null && 'component' in last && 'message' in last);
        assert.deepEqual([last.component, last.message], ['controller', 'controller stopped']);
      } finally {
        child.kill('SIGKILL');
      }
    });
  }

  test('says in one sentence what is wrong with the ClusterNetwork, and ends with 1', async () => {
    await using cluster = await controllerCluster({ ...NETWORK, pluginName: 'redhat/openshift-ovs-subnet' });
    const flags = ['--kubeconfig', cluster.kubeconfig];
    const child = spawn(process.execPath, [MAIN, 'controller', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      const [written, exit] = [text(child.stderr), once(child, 'exit')];
      assert.deepEqual(await exit, [1, null]);
      assert.match(
        await written,
        /^tenet: ClusterNetwork default: pluginName "redhat\/openshift-ovs-subnet" is not supported, only redhat\/openshift-ovs-multitenant is$/m,
      );
    } finally {
      child.kill('SIGKILL');
    }
  });
});
