/** The table of services in the real nftables: what is written is what is there, whatever was there before. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createNamespace, deleteNamespace, nftListText } from '@tenet/host';
import { NftablesPlanner, type ProxiedPort } from '@tenet/proxy';
import { isTenetError } from '@tenet/std';
import { manyPorts, ZOO_NODE, zooPorts } from '../../packages/proxy/testing/port-zoo.ts';
import { seeded } from '../soak/seeded.ts';
import { InstalledNftables } from './installed-nftables.ts';
import { sweep } from './sweep.ts';

type Ports = ReadonlyMap<string, ProxiedPort>;

const seed = process.env.TENET_SERVICES_SEED ?? randomBytes(4).toString('hex');

describe(`the table, by TENET_SERVICES_SEED=${seed}`, () => {
  const namespace = `/run/netns/tenet-nft-table-${process.pid}-only`;
  let installed: InstalledNftables;
  before(() => {
    sweep('tenet-nft-table');
    createNamespace(namespace);
  });
  after(() => deleteNamespace(namespace));
  beforeEach(async () => {
    installed = new InstalledNftables(namespace, ZOO_NODE);
    await installed.run('add table ip tenet\ndelete table ip tenet\n');
  });

  test('observe() finds what was applied, and so does a planner that knew nothing, for services of every kind', async () => {
    await installed.sync(zooPorts());
    const listing = await installed.list();
    assert.equal(installed.planner.observe(listing), true);
    const other = new NftablesPlanner({ node: ZOO_NODE });
    other.observe(listing);
    assert.deepEqual(other.plan(zooPorts()), []);
  });

  test('plan() is accepted, and leaves what it believes, when services become others', async () => {
    const zoo = [...zooPorts()];
    const random = seeded(seed, 'table');
    for (let world = 0; world < 12; world++) {
      // Every address stays with a service or goes to another, of another kind.
      const ports = new Map(
        zoo.flatMap(([key, port]): [string, ProxiedPort][] => {
          if (random.isChance(0.25)) return [];
          const [, kind] = random.pick(zoo);
          const { service, clusterIp } = port;
          const nodePort =
            kind.nodePort === undefined ? {} : { nodePort: 32_000 + zoo.findIndex(([at]) => at === key) };
          return [[key, { ...kind, service, clusterIp, externalIps: [], ...nodePort }]];
        }),
      );
      assert.equal(await installed.sync(withoutTwins(ports)), 1);
      assert.equal(installed.planner.observe(await installed.list()), true, `world ${world}`);
    }
    await installed.sync(new Map());
    const listing = await installed.list();
    assert.equal(installed.planner.observe(listing), true);
    assert.doesNotMatch(listing, /pick-|clients|ranges\/|"elem"/);
  });

  const DAMAGE: readonly (readonly [name: string, text: string])[] = [
    ['elements were deleted', 'flush map ip tenet services'],
    ['an element leads elsewhere', 'add element ip tenet node-ports { tcp . 1 : drop }'],
    ['a chain was flushed', 'flush chain ip tenet nat-postrouting'],
    ['a rule was added', 'insert rule ip tenet filter-input accept'],
    ['a stranger is there', 'add chain ip tenet x { type filter hook input priority 0; policy drop; }'],
    ['it is switched off', 'add table ip tenet { flags dormant; }'],
    ['it has a counter', 'add counter ip tenet c'],
    [
      'a set is of another make',
      'flush chain ip tenet filter-input\ndelete set ip tenet portal-sockets\nadd set ip tenet portal-sockets { type ipv4_addr; }',
    ],
    ['it is gone', 'delete table ip tenet'],
  ];
  for (const [name, text] of DAMAGE)
    test(`plan() mends the table in one transaction when ${name}`, async () => {
      const ports = zooPorts();
      await installed.sync(ports);
      await installed.run(text);
      assert.equal(installed.planner.observe(name === 'it is gone' ? '' : await installed.list()), false);
      assert.equal(await installed.sync(ports), 1);
      assert.equal(installed.planner.observe(await installed.list()), true);
      const other = new NftablesPlanner({ node: ZOO_NODE });
      other.observe(await installed.list());
      assert.deepEqual(other.plan(ports), []);
    });

  test('a piece that was planned for another table changes nothing', async () => {
    const ports = manyPorts(3, { endpoints: 2 });
    await installed.sync(ports);
    await installed.run('delete element ip tenet services { 172.30.0.1 . tcp . 9200 }');
    const before = await installed.list();
    const [piece] = installed.planner.plan(new Map([...ports].slice(1)));
    assert.ok(piece);
    await assert.rejects(installed.run(piece.text), (error) => isTenetError(error, 'TOOL_FAILED'));
    installed.planner.failed();
    assert.equal(await installed.list(), before);
    installed.planner.observe(before);
    assert.equal(await installed.sync(ports), 1);
    assert.equal(installed.planner.observe(await installed.list()), true);
  });

  test('has as many chains for 1,000 services as for 10, and takes them in pieces', async () => {
    assert.equal(await installed.sync(manyPorts(10, { endpoints: 2 })), 1);
    const few = chainsIn(await installed.list());
    assert.ok((await installed.sync(manyPorts(1100, { endpoints: 2 }))) > 1);
    assert.equal(chainsIn(await installed.list()), few);
    assert.equal(installed.planner.observe(await installed.list()), true);
  });

  test('planRemoval() leaves nothing of ours and all of others', async () => {
    await installed.run('add table ip others\nadd chain ip others x { type filter hook input priority 0; }');
    await installed.sync(zooPorts());
    const piece = installed.planner.planRemoval();
    assert.ok(piece);
    await installed.run(piece.text);
    installed.planner.applied(piece);
    const left = await nftListText({ what: 'tables', namespace });
    assert.doesNotMatch(left, /"tenet"/);
    assert.match(left, /"others"/);
    assert.equal(installed.planner.planRemoval(), undefined);
  });
});

function chainsIn(listing: string): number {
  return listing.match(/\{"chain": \{/g)?.length ?? 0;
}

/** Of names that several have only the first keeps them. */
function withoutTwins(ports: Ports): Ports {
  const taken = new Set<string>();
  const isFirst = (name: string) => !taken.has(name) && taken.add(name).size > 0;
  return new Map(
    [...ports].map(([key, port]) => [
      key,
      {
        ...port,
        loadBalancerIps: port.loadBalancerIps.filter((ip) => isFirst(`${ip} ${port.protocol} ${port.port}`)),
        ...(port.portal !== undefined && {
          portal: isFirst(`portal ${port.portal.port}`) ? port.portal : { ...port.portal, port: 40_000 + taken.size },
        }),
      },
    ]),
  );
}
