import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type NetNamespace, parseService, type Service, vnidOf } from '@tenet/model';
import { type Logger, Prefix, SILENT } from '@tenet/std';
import { ClusterServices } from './cluster-services.ts';

/** Services and projects that a test changes, what is compiled from them, and what was logged. */
class World {
  readonly services = new Map<string, Service>();
  readonly vnids = new Map<string, number>([
    ['alpha', 0xa],
    ['beta', 0xb],
  ]);
  readonly forwarded = new Set<string>();
  readonly said: string[] = [];
  readonly compiled: ClusterServices;

  constructor() {
    const log: Logger = { ...SILENT, warn: (message, facts) => void this.said.push(`${message} ${facts?.service}`) };
    const netNamespace = (name: string): NetNamespace | undefined => {
      const vnid = this.vnids.get(name);
      return vnid === undefined ? undefined : { name, vnid: vnidOf(vnid), multicast: false };
    };
    this.compiled = new ClusterServices({
      serviceNetwork: Prefix.parse('172.30.0.0/16'),
      cluster: { services: { entries: this.services }, netNamespaces: { get: netNamespace } },
      isForwarded: (key) => this.forwarded.has(key),
      log,
    });
  }

  set(
    key: string,
    clusterIP: string,
    { day = 1, ports = [80] }: { day?: number; ports?: readonly number[] } = {},
  ): void {
    const [namespace = '', name = ''] = key.split('/');
    const creationTimestamp = `2026-01-0${day}T00:00:00Z`;
    const metadata = { namespace, name, uid: key, creationTimestamp };
    const named = ports.map((port) => ({ name: `p${port}`, port }));
    this.services.set(key, parseService({ metadata, spec: { clusterIP, ports: named } }));
  }

  /** Address, project and ports of all that has flows. */
  now(): string[] {
    this.compiled.heard();
    return this.compiled
      .all()
      .map(({ clusterIp, vnid, ports }) => `${clusterIp} ${vnid} ${ports.map(({ port }) => port)}`)
      .sort();
  }
}

describe('ClusterServices', () => {
  const NONE: readonly {
    readonly name: string;
    readonly clusterIP: string;
    readonly key?: string;
    readonly says: number;
  }[] = [
    { name: 'headless', clusterIP: 'None', says: 0 },
    { name: 'without an address yet', clusterIP: '', says: 0 },
    { name: 'of IPv6 only', clusterIP: 'fd00::1', says: 0 },
    { name: 'outside the service network', clusterIP: '10.131.2.1', says: 1 },
    { name: 'of a project without a number', clusterIP: '172.30.0.1', key: 'gamma/a', says: 0 },
  ];
  for (const { name, clusterIP, key = 'alpha/a', says } of NONE) {
    test(`all() has no service ${name}, and ${says === 0 ? 'says nothing of it' : 'says so once'}`, () => {
      const world = new World();
      world.set(key, clusterIP);
      assert.deepEqual(world.now(), []);
      assert.deepEqual(world.now(), []);
      assert.equal(world.said.length, says);
    });
  }

  test('all() gives the very same list while nothing was heard, and the same object for a service that did not change', () => {
    const world = new World();
    world.set('alpha/a', '172.30.0.1');
    world.set('alpha/b', '172.30.0.2');
    const before = world.compiled.all();
    assert.equal(world.compiled.all(), before);
    world.set('alpha/b', '172.30.0.2', { ports: [80, 443] });
    assert.equal(world.compiled.all(), before, 'nobody has said that it should look');
    world.compiled.heard();
    const after = world.compiled.all();
    assert.equal(after[0], before[0]);
    assert.notEqual(after[1], before[1]);
    // Listed anew, it says what it said.
    world.set('alpha/b', '172.30.0.2', { ports: [80, 443] });
    world.compiled.heard();
    assert.equal(world.compiled.all()[1], after[1]);
  });

  test('all() follows the number of the project', () => {
    const world = new World();
    world.set('alpha/a', '172.30.0.1');
    assert.deepEqual(world.now(), ['172.30.0.1 10 80']);
    world.vnids.set('alpha', 0xb);
    assert.deepEqual(world.now(), ['172.30.0.1 11 80']);
    world.vnids.delete('alpha');
    assert.deepEqual(world.now(), []);
  });

  for (const [first, second] of [
    ['alpha/old', 'beta/young'],
    ['beta/young', 'alpha/old'],
  ] as const) {
    test(`all() leaves an address to the older of two services when ${first} is heard of first, and says so once`, () => {
      const world = new World();
      for (const key of [first, second]) world.set(key, '172.30.0.1', { day: key === 'alpha/old' ? 1 : 2 });
      assert.deepEqual(world.now(), ['172.30.0.1 10 80']);
      assert.deepEqual(world.now(), ['172.30.0.1 10 80']);
      assert.deepEqual(world.said, ['service left out beta/young']);
      world.services.delete('alpha/old');
      assert.deepEqual(world.now(), ['172.30.0.1 11 80']);
    });
  }

  test('all() leaves an address to the older of two services though its project has no number yet', () => {
    const world = new World();
    world.set('gamma/old', '172.30.0.1', { day: 1 });
    world.set('beta/young', '172.30.0.1', { day: 2 });
    assert.deepEqual(world.now(), []);
  });

  test('all() keeps what has gone until no rule leads to it, follows its project meanwhile, and then lets it go', () => {
    const world = new World();
    world.set('alpha/a', '172.30.0.1');
    world.forwarded.add('alpha/a');
    world.now();
    world.services.clear();
    assert.deepEqual(world.now(), ['172.30.0.1 10 80']);
    world.vnids.set('alpha', 0xb);
    assert.deepEqual(world.now(), ['172.30.0.1 11 80']);
    world.forwarded.clear();
    assert.deepEqual(world.now(), []);
    world.forwarded.add('alpha/a');
    assert.deepEqual(world.now(), []);
  });

  test('all() gives the address of what has gone to a new service at once', () => {
    const world = new World();
    world.set('alpha/a', '172.30.0.1');
    world.forwarded.add('alpha/a');
    world.now();
    world.services.clear();
    world.set('beta/b', '172.30.0.1', { day: 9 });
    assert.deepEqual(world.now(), ['172.30.0.1 11 80']);
    assert.deepEqual(world.said, []);
  });
});
