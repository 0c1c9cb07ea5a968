import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANNOTATION, parseClusterNetwork } from '@tenet/model';
import { type Clock, isTenetError, Prefix, SILENT } from '@tenet/std';
import fc from 'fast-check';
import { FakeServer, type Fate, LateCache } from '../testing/fake-server.ts';
import { OwnedObjects } from './owned-objects.ts';
import { NO_SUBNET_STATE, planSubnets } from './subnet/plan-subnets.ts';
import { NAMESPACE_UID, planVnids } from './vnid/plan-vnids.ts';

const NETWORK = parseClusterNetwork({
  metadata: { name: 'default' },
  serviceNetwork: '172.30.0.0/16',
  clusterNetworks: [{ CIDR: '10.1.0.0/24', hostSubnetLength: 5 }],
});
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
const REQUESTS = ['global', 'isolate', 'join:a', 'join:b', 'nonsense'] as const;

/** One controller process: caches that are as late as they like, and passes over them. */
class World {
  readonly server = new FakeServer();
  #nowMs = 1_000_000;
  #random = 0.5;
  /** Until somebody asks to share one, no two projects have the same number. */
  wasJoined = false;
  #process = this.#start();

  #start() {
    const { server } = this;
    const clock: Clock = { nowMs: () => this.#nowMs, sleep: () => Promise.resolve() };
    const caches = {
      nodes: new LateCache(server, 'Node'),
      namespaces: new LateCache(server, 'Namespace'),
      hostSubnets: new LateCache(server, 'HostSubnet'),
      netNamespaces: new LateCache(server, 'NetNamespace'),
    };
    const tools = { client: server, log: SILENT, clock };
    return {
      caches,
      state: NO_SUBNET_STATE,
      subnets: new OwnedObjects({ kind: 'HostSubnet', cache: caches.hostSubnets, ...tools }),
      projects: new OwnedObjects({ kind: 'NetNamespace', cache: caches.netNamespaces, ...tools }),
    };
  }

  restart(): void {
    this.#process = this.#start();
  }

  wait(): void {
    this.#nowMs += 6000;
  }

  rollTo(random: number): void {
    this.#random = random;
  }

  show(kind: keyof World['caches'], count: number): void {
    this.caches[kind].show(count);
  }

  get caches() {
    return this.#process.caches;
  }

  /** True when there was nothing to write. A server that fails ends the pass, as it does in the real loop. */
  async pass(): Promise<boolean> {
    const { caches, subnets, projects, state } = this.#process;
    const signal = new AbortController().signal;
    try {
      const world = { nodes: caches.nodes.entries, hostSubnets: await subnets.view(), network: NETWORK };
      const subnetPlan = planSubnets(world, state);
      this.#process.state = subnetPlan.state;
      const netNamespaces = await projects.view();
      const globalNamespaces = new Set<string>();
      const vnidPlan = planVnids(
        { namespaces: caches.namespaces.entries, netNamespaces, globalNamespaces },
        { random: () => this.#random },
      );
      await subnets.apply(subnetPlan.actions, signal);
      await projects.apply(vnidPlan.actions, signal);
      return subnetPlan.actions.length + vnidPlan.actions.length === 0;
    } catch (error) {
      assert(isTenetError(error, 'KUBE_UNREACHABLE'), String(error));
      return false;
    }
  }

  /** What must be true at every moment, whatever the caches show. */
  check(): void {
    const subnets = [...this.server.of('HostSubnet').values()].map(({ subnet }) => Prefix.parse(subnet));
    for (const [at, subnet] of subnets.entries()) {
      for (const other of subnets.slice(0, at)) assert(!subnet.overlaps(other), `${subnet} twice`);
    }
    if (this.wasJoined) return;
    const isolated = [...this.server.of('NetNamespace').values()].filter(({ netid }) => netid !== 0);
    assert.equal(new Set(isolated.map(({ netid }) => netid)).size, isolated.length, 'a number twice');
  }
}

type Step = (world: World) => unknown;

const name = fc.constantFrom(...NAMES);
const step: fc.Arbitrary<[what: string, step: Step]> = fc.oneof(
  fc.tuple(name, fc.integer({ min: 1, max: 9 })).map(([node, last]): [string, Step] => [
    `node ${node} at 10.0.0.${last}`,
    ({ server }) => {
      const status = { addresses: [{ type: 'InternalIP', address: `10.0.0.${last}` }] };
      server.put('Node', { metadata: { name: node }, status });
    },
  ]),
  name.map((node): [string, Step] => [`no node ${node}`, ({ server }) => server.remove('Node', node)]),
  name.map((project): [string, Step] => [
    `namespace ${project}`,
    ({ server }) => void server.put('Namespace', { metadata: { name: project } }),
  ]),
  name.map((project): [string, Step] => [
    `no namespace ${project}`,
    ({ server }) => server.remove('Namespace', project),
  ]),
  name.map((project): [string, Step] => [
    `no number of ${project}`,
    ({ server }) => server.remove('NetNamespace', project),
  ]),
  name.map((node): [string, Step] => [`no subnet of ${node}`, ({ server }) => server.remove('HostSubnet', node)]),
  fc.tuple(name, fc.constantFrom(...REQUESTS)).map(([project, request]): [string, Step] => [
    `${request} for ${project}`,
    (world) => {
      const { server } = world;
      const object = server.of('NetNamespace').get(project);
      if (object === undefined) return;
      world.wasJoined ||= request.startsWith('join:');
      const annotations = { ...object.metadata.annotations, [ANNOTATION.changeNetwork]: request };
      server.put('NetNamespace', { ...object, metadata: { ...object.metadata, annotations } });
    },
  ]),
  fc
    .tuple(
      fc.constantFrom('nodes' as const, 'namespaces' as const, 'hostSubnets' as const, 'netNamespaces' as const),
      fc.integer({ min: 1, max: 5 }),
    )
    .map(([kind, count]): [string, Step] => [`show ${count} ${kind}`, (world) => world.show(kind, count)]),
  fc
    .array(fc.constantFrom<Fate>('answered', 'never arrives', 'answer is lost'), { maxLength: 3 })
    .map((fates): [string, Step] => [`${fates}`, ({ server }) => void server.fates.push(...fates)]),
  fc.constant<[string, Step]>(['pass', (world) => world.pass()]),
  fc.constant<[string, Step]>(['pass again', (world) => world.pass()]),
  fc.constant<[string, Step]>(['wait', (world) => world.wait()]),
  fc.constant<[string, Step]>(['restart', (world) => world.restart()]),
  fc
    .double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    .map((random): [string, Step] => [`random ${random}`, (world) => world.rollTo(random)]),
);

test('OwnedObjects: no subnet is given twice and all is settled in the end, however late caches and answers are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const world = new World();
      for (const [, take] of steps) {
        await take(world);
        world.check();
      }
      const { server } = world;
      server.fates.length = 0;
      let isSettled = false;
      for (let passes = 0; passes < 20 && !isSettled; passes++) {
        const before = server.history.length;
        // What was created and deleted before a cache showed it is asked for after a while.
        world.wait();
        for (const kind of ['nodes', 'namespaces', 'hostSubnets', 'netNamespaces'] as const) world.show(kind, 1000);
        isSettled = (await world.pass()) && server.history.length === before;
        world.check();
      }
      assert(isSettled, 'still writing after 20 passes');
      const nodes = server.of('Node');
      assert.deepEqual([...server.of('HostSubnet').keys()].sort(), [...nodes.keys()].sort());
      for (const { metadata, hostIP } of server.of('HostSubnet').values()) {
        const node = nodes.get(metadata.name);
        assert.equal(metadata.annotations?.[ANNOTATION.nodeUid], node?.metadata.uid);
        assert.equal(hostIP, node?.status?.addresses?.[0]?.address);
      }
      const projects = server.of('NetNamespace');
      assert.deepEqual([...projects.keys()].sort(), [...server.of('Namespace').keys()].sort());
      for (const { metadata } of projects.values()) {
        assert.equal(metadata.annotations?.[NAMESPACE_UID], server.of('Namespace').get(metadata.name)?.metadata.uid);
        const request = metadata.annotations?.[ANNOTATION.changeNetwork];
        if (request === undefined || request === 'nonsense') continue;
        assert(request.startsWith('join:') && !projects.has(request.slice(5)), `${request} was not answered`);
      }
    }),
    { numRuns: 400 },
  );
});
