import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip, isTenetError } from '@tenet/std';
import fc from 'fast-check';
import { ModelledNftables } from '../../testing/modelled-nftables.ts';
import { endpointAt, manyPorts, ZOO_NODE, zooPort, zooPorts } from '../../testing/port-zoo.ts';
import type { ProxiedPort } from '../proxied-port.ts';
import { NftablesPlanner } from './nftables-planner.ts';

type Ports = ReadonlyMap<string, ProxiedPort>;

const KEY = 'logging/logging-es:';
const NONE = { clusterEndpoints: [], hasEndpointsSomewhere: false } as const;
const MORE = zooPort({ clusterEndpoints: [endpointAt('10.131.2.45:9200'), endpointAt('10.131.2.46:9200')] });

/** One of each, but that which has the article's address. */
function others(): Map<string, ProxiedPort> {
  const ports = zooPorts();
  ports.delete('zoo/cluster-ip:');
  return ports;
}

/** A node whose table is that of the ports. */
function synced(ports: Ports) {
  const node = new ModelledNftables();
  const planner = new NftablesPlanner({ node: ZOO_NODE });
  planner.observe('');
  node.sync(planner, ports);
  return { node, planner };
}

test('plan() and applied() refuse when it is not known what is installed', () => {
  const planner = new NftablesPlanner({ node: ZOO_NODE });
  assert.equal(planner.isKnown, false);
  assert.throws(() => planner.plan(new Map()), RangeError);
  assert.throws(
    () => planner.observe('no JSON'),
    (error) => isTenetError(error, 'LISTING_MALFORMED'),
  );
  assert.equal(planner.observe(''), false);
  assert.equal(planner.isKnown, true);
  const [piece] = planner.plan(zooPorts());
  assert.ok(piece);
  planner.failed();
  assert.equal(planner.isKnown, false);
  assert.throws(() => planner.applied(piece), RangeError);
});

test('applied() refuses a piece that is not the next one', () => {
  const planner = new NftablesPlanner({ node: ZOO_NODE });
  planner.observe('');
  const [first, second] = planner.plan(manyPorts(1100, { endpoints: 2 }));
  assert.ok(first && second);
  assert.throws(() => planner.applied(second), RangeError);
  planner.applied(first);
  assert.throws(() => planner.applied(first), RangeError);
});

describe('a change', () => {
  test('plan() writes one slot more and how many there are when an endpoint comes', () => {
    const ports = others().set(KEY, zooPort());
    const { node, planner } = synced(ports);
    assert.deepEqual(node.sync(planner, new Map(ports).set(KEY, MORE)), [
      [
        'add table ip tenet',
        'add element ip tenet tcp-endpoints { 172.30.229.30 . 9200 . 1 : 10.131.2.46 . 9200 }',
        'delete element ip tenet services { 172.30.229.30 . tcp . 9200 }',
        'add element ip tenet services { 172.30.229.30 . tcp . 9200 comment "logging/logging-es" : goto pick-tcp-2 }',
        '',
      ].join('\n'),
    ]);
  });

  test('plan() adds a chain for a number of endpoints that no other service has, and takes it away', () => {
    const ports = manyPorts(3, { endpoints: 2 });
    const { node, planner } = synced(ports);
    const [grown = ''] = node.sync(planner, new Map(ports).set(KEY, zooPort()));
    assert.match(grown, /^add chain ip tenet pick-tcp-1$/m);
    const [shrunk = ''] = node.sync(planner, ports);
    assert.match(shrunk, /^delete chain ip tenet pick-tcp-1$/m);
    assert.deepEqual(node.content, synced(ports).node.content);
  });

  test('plan() has nothing to say when a port differs in what is in no rule', () => {
    const { node, planner } = synced(new Map([[KEY, zooPort()]]));
    assert.deepEqual(node.sync(planner, new Map([[KEY, zooPort({ hasEndpointsSomewhere: false })]])), []);
  });

  test('plan() keeps the clients of endpoints that stay when one of several goes', () => {
    const endpoints = ['10.128.0.7:80', '10.128.0.8:80', '10.128.0.9:80'].map(endpointAt);
    const { node, planner } = synced(new Map([[KEY, zooPort({ affinitySeconds: 60, clusterEndpoints: endpoints })]]));
    const left = zooPort({ affinitySeconds: 90, clusterEndpoints: endpoints.slice(1) });
    const [text = '', ...more] = node.sync(planner, new Map([[KEY, left]]));
    assert.deepEqual(more, []);
    assert.deepEqual(text.match(/^(?:add|delete) set .*$/gm), [
      'delete set ip tenet clients/logging/logging-es/tcp/9200/10.128.0.7/80',
    ]);
    assert.deepEqual(node.content, synced(new Map([[KEY, left]])).node.content);
  });

  test('plan() moves an address from one service to another in one piece', () => {
    const other = zooPort({ namespace: 'other', ...NONE });
    const { node, planner } = synced(new Map([[KEY, MORE]]));
    const texts = node.sync(planner, new Map([['other/logging-es:', other]]));
    assert.equal(texts.length, 1);
    assert.deepEqual(node.content, synced(new Map([['other/logging-es:', other]])).node.content);
  });
});

describe('pieces', () => {
  test('plan() makes pieces of at most 5,000 changes, each service in one of them, when there are many', () => {
    const node = new ModelledNftables();
    const planner = new NftablesPlanner({ node: ZOO_NODE });
    planner.observe('');
    const pieces = planner.plan(manyPorts(1100, { endpoints: 2 }));
    assert.ok(pieces.length > 1);
    for (const piece of pieces) {
      assert.ok(piece.added <= 5000);
      node.run(piece.text);
      planner.applied(piece);
      for (const { key, slots } of dispatched(node)) assert.equal(slots, 2, `${key} has no ${slots} endpoints`);
    }
    assert.equal(dispatched(node).length, 1100);
    assert.deepEqual(planner.plan(manyPorts(1100, { endpoints: 2 })), []);
  });

  test('plan() never leaves a service that leads nowhere when thousands go', () => {
    const ports = manyPorts(1100, { endpoints: 2 });
    const { node, planner } = synced(ports);
    const pieces = planner.plan(new Map([...ports].slice(0, 10)));
    assert.ok(pieces.length > 1);
    for (const piece of pieces) {
      node.run(piece.text);
      planner.applied(piece);
      for (const { key, slots } of dispatched(node)) assert.equal(slots, 2, `${key} has no ${slots} endpoints`);
    }
    assert.deepEqual(node.content, synced(manyPorts(10, { endpoints: 2 })).node.content);
  });

  test('plan() goes on from where it is when the ports change between pieces', () => {
    const node = new ModelledNftables();
    const planner = new NftablesPlanner({ node: ZOO_NODE });
    planner.observe('');
    const [first] = planner.plan(manyPorts(1100, { endpoints: 2 }));
    assert.ok(first);
    node.run(first.text);
    planner.applied(first);
    node.sync(planner, manyPorts(100, { endpoints: 2 }));
    assert.equal(planner.observe(node.list()), true);
    assert.deepEqual(node.content, synced(manyPorts(100, { endpoints: 2 })).node.content);
  });
});

describe('what others do', () => {
  const DAMAGE: readonly (readonly [name: string, text: string])[] = [
    ['an element that was deleted', 'delete element ip tenet services { 172.30.229.30 . tcp . 9200 }'],
    ['an element that was added', 'add element ip tenet services { 192.0.2.99 . tcp . 80 : drop }'],
    ['a chain that was flushed', 'flush chain ip tenet pick-tcp-1'],
    ['a rule that was added', 'add rule ip tenet nat-prerouting accept'],
    [
      'a chain and a set of strangers',
      'add chain ip tenet x\nadd set ip tenet y { type ipv4_addr; }\nadd rule ip tenet x ip saddr @y drop',
    ],
    ['a stranger that the kernel calls', 'add chain ip tenet x { type filter hook input priority 0; policy drop; }'],
    ['the whole table', 'delete table ip tenet'],
  ];
  for (const [name, text] of DAMAGE)
    test(`observe() says so, and plan() mends it in one piece: ${name}`, () => {
      const ports = others().set(KEY, zooPort());
      const { node, planner } = synced(ports);
      const before = node.content;
      node.run(text);
      assert.equal(planner.observe(node.list()), false);
      const texts = node.sync(planner, ports);
      assert.equal(texts.length, 1);
      assert.doesNotMatch(texts.join(), /delete table/);
      assert.deepEqual(node.content, before);
      assert.equal(planner.observe(node.list()), true);
    });

  const WRONG: readonly (readonly [name: string, change: (listing: string) => string])[] = [
    ['switched off', (listing) => listing.replace('"name":"tenet"', '"name":"tenet","flags":"tenet"')],
    ['of another make', (listing) => listing.replace('ipv4_addr . inet_proto . inet_service', 'ipv4_addr')],
    ['hooked elsewhere', (listing) => listing.replace('"prio":-101', '"prio":-100')],
    ['with a policy', (listing) => listing.replace('"policy":"accept"', '"policy":"drop"')],
    ['with what we never make', (listing) => listing.replace(/]}$/, ',{"counter":{"name":"x"}}]}')],
  ];
  for (const [name, change] of WRONG)
    test(`plan() makes the table anew, at once, when it is ${name}`, () => {
      const ports = manyPorts(1100, { endpoints: 2 });
      const { node, planner } = synced(ports);
      const before = node.content;
      assert.equal(planner.observe(change(node.list())), false);
      const [text = '', ...more] = node.sync(planner, ports);
      assert.deepEqual(more, []);
      assert.match(text, /^add table ip tenet\ndelete table ip tenet\nadd table ip tenet\n/);
      assert.deepEqual(node.content, before);
      assert.equal(planner.observe(node.list()), true);
    });

  test('observe() does not care for the clients that the kernel remembers', () => {
    const { node, planner } = synced(zooPorts());
    const [set] = [...(node.table?.sets.keys() ?? [])].filter((name) => name.startsWith('clients/'));
    node.run(`add element ip tenet ${set} { 10.131.2.9 }`);
    assert.equal(planner.observe(node.list()), true);
  });
});

test('planRemoval() removes the table whether or not it is known, and has nothing to say when there is none', () => {
  const { node, planner } = synced(zooPorts());
  planner.failed();
  const piece = planner.planRemoval();
  assert.ok(piece);
  node.run(piece.text);
  node.run(piece.text);
  planner.applied(piece);
  assert.equal(node.table, undefined);
  assert.equal(planner.planRemoval(), undefined);
  node.sync(planner, zooPorts());
  assert.equal(planner.observe(node.list()), true);
});

test('plan() leads from any table to what any ports ask for, and then has nothing to say', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ ports: arbitraryPorts(), forgets: fc.boolean() }), { maxLength: 5 }), (worlds) => {
      const { node, planner } = synced(new Map());
      for (const { ports, forgets } of worlds) {
        if (forgets) {
          planner.failed();
          planner.observe(node.list());
        }
        const texts = node.sync(planner, ports);
        assert.ok(texts.length <= 1);
        assert.deepEqual(node.content, synced(ports).node.content);
        assert.equal(planner.observe(node.list()), true);
        assert.deepEqual(planner.plan(ports), []);
      }
    }),
    { numRuns: 40 },
  );
});

test('plan() names no service but those that changed', () => {
  fc.assert(
    fc.property(arbitraryPorts(), arbitraryPorts(), fc.integer({ min: 0, max: 5 }), (before, after, which) => {
      const { node, planner } = synced(before);
      const key = `any/s${which}:`;
      const changed = new Map(before);
      const port = after.get(key);
      if (port === undefined) changed.delete(key);
      else changed.set(key, port);
      const text = node.sync(planner, changed).join('');
      for (const [other, { clusterIp, service }] of before) {
        if (other === key) continue;
        assert.doesNotMatch(text, new RegExp(`${clusterIp} |any/${service}[ /:"]`));
      }
    }),
    { numRuns: 100 },
  );
});

/** Up to six services, each with the ways of one of the zoo, and names that no other has. */
function arbitraryPorts(): fc.Arbitrary<Ports> {
  const zoo = [...zooPorts().values()];
  const lots = fc.array(fc.option(fc.nat(zoo.length - 1), { nil: undefined }), { minLength: 6, maxLength: 6 });
  return lots.map(
    (chosen) =>
      new Map(
        chosen.flatMap((lot, at): [string, ProxiedPort][] => {
          const port = lot === undefined ? undefined : zoo[lot];
          if (port === undefined) return [];
          const apart = (ips: readonly Ip[], from: string) => ips.slice(0, 1).map(() => Ip.parse(from).plus(at));
          return [
            [
              `any/s${at}:`,
              {
                ...port,
                namespace: 'any',
                service: `s${at}`,
                clusterIp: Ip.parse('172.30.0.100').plus(at),
                externalIps: apart(port.externalIps, '192.0.2.100'),
                loadBalancerIps: apart(port.loadBalancerIps, '198.51.100.100'),
                ...(port.nodePort !== undefined && { nodePort: 30_100 + at }),
                ...(port.portal !== undefined && { portal: { ip: port.portal.ip, port: 41_100 + at } }),
              },
            ],
          ];
        }),
      ),
  );
}

/** Each service that is led to endpoints, and how many of its slots have one. */
function dispatched({ table }: ModelledNftables): readonly { readonly key: string; readonly slots: number }[] {
  const slots = table?.sets.get('tcp-endpoints')?.elements;
  return [...(table?.sets.get('services')?.elements.keys() ?? [])].map((key) => {
    const socket = key.replace(' . tcp', '');
    return { key, slots: [0, 1, 2].filter((slot) => slots?.has(`${socket} . ${slot}`)).length };
  });
}
