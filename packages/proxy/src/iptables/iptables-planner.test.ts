import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip } from '@tenet/std';
import { ModelledIptables } from '../../testing/modelled-iptables.ts';
import { endpointAt, manyPorts, ZOO_NODE, zooPort, zooPorts } from '../../testing/port-zoo.ts';
import type { ProxiedPort } from '../proxied-port.ts';
import { IptablesPlanner } from './iptables-planner.ts';

const SVC = 'KUBE-SVC-BWSQUABZDDFLJOKN';
const SEP = 'KUBE-SEP-H2SZLG7QT6WVYISM';
const KEY = 'logging/logging-es:';
const NONE = { clusterEndpoints: [], hasEndpointsSomewhere: false } as const;

/** A node whose rules are those of the ports. */
function synced(ports: ReadonlyMap<string, ProxiedPort>) {
  const node = new ModelledIptables();
  const planner = new IptablesPlanner({ node: ZOO_NODE });
  planner.observe('');
  node.sync(planner, ports);
  return { node, planner };
}

/** All that is there, in any order. */
function lines(node: ModelledIptables): string[] {
  return node.save().split('\n').toSorted();
}

test('plan() and applied() refuse when it is not known what is installed', () => {
  const planner = new IptablesPlanner({ node: ZOO_NODE });
  assert.equal(planner.isKnown, false);
  assert.throws(() => planner.plan(new Map()), RangeError);
  planner.observe('');
  assert.equal(planner.isKnown, true);
  const [piece] = planner.plan(zooPorts());
  assert.ok(piece);
  planner.failed();
  assert.equal(planner.isKnown, false);
  assert.throws(() => planner.applied(piece), RangeError);
});

test('applied() refuses a piece that is not the next one', () => {
  const planner = new IptablesPlanner({ node: ZOO_NODE });
  planner.observe('');
  const [first, second] = planner.plan(manyPorts(300, { endpoints: 1 }));
  assert.ok(first && second);
  assert.throws(() => planner.applied(second), RangeError);
  planner.applied(first);
  assert.throws(() => planner.applied(first), RangeError);
});

describe('a change', () => {
  test('plan() writes the chains of one service and nothing else when an endpoint comes', () => {
    const ports = zooPorts().set(KEY, zooPort());
    const { node, planner } = synced(ports);
    const grown = zooPort({ clusterEndpoints: [endpointAt('10.131.2.45:9200'), endpointAt('10.131.2.46:9200')] });
    assert.deepEqual(node.sync(planner, new Map(ports).set(KEY, grown)), [
      [
        '*nat',
        ':KUBE-SEP-5GKII5XTK2LHGLYB - [0:0]',
        `:${SVC} - [0:0]`,
        '-A KUBE-SEP-5GKII5XTK2LHGLYB -s 10.131.2.46/32 -m comment --comment "logging/logging-es" -j KUBE-MARK-MASQ',
        '-A KUBE-SEP-5GKII5XTK2LHGLYB -p tcp -m comment --comment "logging/logging-es" -m tcp -j DNAT --to-destination 10.131.2.46:9200',
        `-A ${SVC} -d 172.30.229.30/32 ! -i tun0 -p tcp -m comment --comment "logging/logging-es cluster IP" -m tcp --dport 9200 -j KUBE-MARK-MASQ`,
        `-A ${SVC} -m comment --comment "logging/logging-es -> 10.131.2.45:9200" -m statistic --mode random --probability 0.50000000000 -j ${SEP}`,
        `-A ${SVC} -m comment --comment "logging/logging-es -> 10.131.2.46:9200" -j KUBE-SEP-5GKII5XTK2LHGLYB`,
        'COMMIT',
        '',
      ].join('\n'),
    ]);
  });

  test('plan() deletes one rule and three chains when a service goes', () => {
    const ports = zooPorts();
    const { node, planner } = synced(new Map(ports).set(KEY, zooPort()));
    const [text = '', ...more] = node.sync(planner, ports);
    assert.deepEqual(more, []);
    assert.deepEqual(text.split('\n'), [
      '*nat',
      `:${SEP} - [0:0]`,
      `:${SVC} - [0:0]`,
      `-D KUBE-SERVICES -d 172.30.229.30/32 -p tcp -m comment --comment "logging/logging-es cluster IP" -m tcp --dport 9200 -j ${SVC}`,
      `-X ${SEP}`,
      `-X ${SVC}`,
      'COMMIT',
      '',
    ]);
  });

  test('plan() has nothing to say when a port differs in what has no rule', () => {
    const { node, planner } = synced(new Map([[KEY, zooPort()]]));
    assert.deepEqual(node.sync(planner, new Map([[KEY, zooPort({ hasEndpointsSomewhere: false })]])), []);
  });

  const EXCHANGES = [
    { name: 'the first endpoint comes', before: zooPort(NONE), after: zooPort() },
    { name: 'the last endpoint goes', before: zooPort(), after: zooPort(NONE) },
    {
      name: 'a service falls asleep',
      before: zooPort(),
      after: zooPort({ ...NONE, portal: endpointAt('10.131.2.1:41000') }),
    },
    { name: 'it moves to another address', before: zooPort(), after: zooPort({ clusterIp: Ip.parse('172.30.1.1') }) },
  ];
  for (const { name, before, after } of EXCHANGES)
    test(`plan() leaves no moment in which the service is neither translated nor refused when ${name}`, () => {
      const { node, planner } = synced(new Map([[KEY, before]]));
      const [text = ''] = planner.plan(new Map([[KEY, after]])).map((piece) => piece.text);
      for (const commit of text.split(/(?<=COMMIT\n)/)) {
        node.restore(commit);
        const leads = node.rules('nat', 'KUBE-SERVICES').some((rule) => rule.includes(`-j ${SVC}`));
        const refuses = node.rules('filter', 'KUBE-SERVICES').some((rule) => rule.endsWith('icmp-port-unreachable'));
        assert.ok(leads || refuses, `after ${commit}`);
        if (leads) assert.notEqual(node.rules('nat', SVC).length, 0, 'an empty chain is called');
      }
    });
});

describe('pieces', () => {
  test('plan() makes pieces of at most 250 services, complete each, when there are many', () => {
    const node = new ModelledIptables();
    const planner = new IptablesPlanner({ node: ZOO_NODE });
    planner.observe('');
    const texts = node.sync(planner, manyPorts(1001, { endpoints: 1 }));
    assert.deepEqual(
      texts.map((text) => text.match(/-I KUBE-SERVICES 1 /g)?.length),
      [249, 250, 250, 250, 2],
    );
    assert.equal(node.rules('nat', 'KUBE-SERVICES').length, 1002);
  });

  test('plan() goes on from where it is when the ports change between pieces', () => {
    const node = new ModelledIptables();
    const planner = new IptablesPlanner({ node: ZOO_NODE });
    planner.observe('');
    const [first] = planner.plan(manyPorts(600, { endpoints: 1 }));
    assert.ok(first);
    node.restore(first.text);
    planner.applied(first);
    node.sync(planner, manyPorts(100, { endpoints: 1 }));
    assert.equal(node.rules('nat', 'KUBE-SERVICES').length, 101);
    assert.equal(planner.observe(node.save()), true);
  });

  test('plan() writes a chain anew when much of it goes, and takes chains away last', () => {
    const { node, planner } = synced(manyPorts(900, { endpoints: 1 }));
    const texts = node.sync(planner, manyPorts(100, { endpoints: 1 }));
    assert.equal(texts.join('').match(/^-D /gm), null);
    assert.deepEqual(
      texts.map((text) => [text.match(/^-A /gm)?.length ?? 0, text.match(/^-X /gm)?.length ?? 0]),
      [
        [101, 0],
        [0, 0],
        [0, 1600],
      ],
    );
    assert.deepEqual(lines(node), lines(synced(manyPorts(100, { endpoints: 1 })).node));
  });

  test('plan() adds refusals before it writes their chain anew', () => {
    const asleep = new Map([...manyPorts(120, { endpoints: 1 })].map(([key, port]) => [key, { ...port, ...NONE }]));
    const { node, planner } = synced(asleep);
    const late = new Map([['many/late:', zooPort({ ...NONE, namespace: 'many', service: 'late' })]]);
    const [text = ''] = node.sync(planner, late);
    assert.ok(text.indexOf('many/late') < text.indexOf(':KUBE-SERVICES - [0:0]'));
    assert.equal(node.rules('filter', 'KUBE-SERVICES').length, 1);
    assert.equal(planner.observe(node.save()), true);
  });
});

describe('what others do', () => {
  test('observe() says so, and plan() mends it, when somebody flushed, deleted or added', () => {
    const { node, planner } = synced(zooPorts());
    const before = lines(node);
    node.chain('nat', 'KUBE-POSTROUTING').rules = [];
    const services = node.chain('nat', 'KUBE-SERVICES');
    services.rules = [...services.rules.slice(2), ...services.rules.slice(0, 1)];
    node.add('filter', '-A KUBE-FORWARD -j ACCEPT', '-A KUBE-SERVICES -s 192.0.2.1/32 -j ACCEPT');
    assert.equal(planner.observe(node.save()), false);
    assert.equal(node.sync(planner, zooPorts()).length, 1);
    assert.deepEqual(lines(node), before);
    assert.match(node.rules('nat', 'KUBE-SERVICES').at(-1) ?? '', /this must be the last rule/);
    assert.equal(planner.observe(node.save()), true);
  });

  test('observeChains() says so too, of some chains alone, and plan() mends them', () => {
    const ports = new Map([[KEY, zooPort()]]);
    const { node, planner } = synced(ports);
    const whole = lines(node);
    const SHOWN = [SVC, SEP, 'KUBE-SERVICES', 'KUBE-MARK-MASQ'].map((chain) => ({ table: 'nat', chain }));
    /** What is there of these chains. */
    const shown = () => {
      const isOf = (line: string) =>
        SHOWN.some(({ chain }) => line.startsWith(`:${chain} `) || line.startsWith(`-A ${chain} `));
      const nat = node.save().split('*nat\n')[1]?.split('COMMIT')[0]?.split('\n') ?? [];
      return ['*nat', ...nat.filter(isOf), 'COMMIT', ''].join('\n');
    };
    assert.equal(planner.observeChains(shown(), SHOWN), true);
    assert.equal(planner.plan(ports).length, 0);
    for (const meddling of [
      `-F ${SEP}`,
      `-A ${SVC} -j RETURN`,
      '-D KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
      '-A KUBE-SERVICES -s 192.0.2.1/32 -j RETURN',
    ]) {
      node.restore(`*nat\n${meddling.startsWith('-F') ? `:${SEP} - [0:0]` : meddling}\nCOMMIT\n`);
      assert.equal(planner.observeChains(shown(), SHOWN), false, meddling);
      node.sync(planner, ports);
      assert.deepEqual(lines(node), whole, meddling);
    }
  });

  test('observeChains() refuses while it is not known what is installed', () => {
    const planner = new IptablesPlanner({ node: ZOO_NODE });
    assert.throws(() => planner.observeChains('', []), RangeError);
  });

  test('observe() does not care for rules of others', () => {
    const { node, planner } = synced(zooPorts());
    node.add(
      'nat',
      ':OTHERS - [0:0]',
      '-A OTHERS -j RETURN',
      '-A PREROUTING -j OTHERS',
      '-A PREROUTING -j KUBE-SERVICES',
    );
    node.add('filter', ':KUBE-FIREWALL - [0:0]', '-A KUBE-FIREWALL -j DROP', '-A INPUT -j KUBE-FIREWALL');
    assert.equal(planner.observe(node.save()), true);
    assert.deepEqual(node.sync(planner, zooPorts()), []);
  });

  test("plan() removes another proxy's services, and only empties what strangers call", () => {
    const node = new ModelledIptables();
    node.add(
      'nat',
      ':KUBE-SERVICES - [0:0]',
      ':KUBE-XLB-AAAAAAAAAAAAAAAA - [0:0]',
      ':KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]',
      ':KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]',
      ':STRANGE - [0:0]',
      '-A KUBE-SERVICES -d 172.30.0.9/32 -j KUBE-XLB-AAAAAAAAAAAAAAAA',
      '-A KUBE-XLB-AAAAAAAAAAAAAAAA -j KUBE-SVC-AAAAAAAAAAAAAAAA',
      '-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-AAAAAAAAAAAAAAAA',
      '-A STRANGE -j KUBE-SVC-AAAAAAAAAAAAAAAA',
    );
    const planner = new IptablesPlanner({ node: ZOO_NODE });
    planner.observe(node.save());
    node.sync(planner, new Map([[KEY, zooPort()]]));
    assert.equal(node.rules('nat', 'KUBE-SERVICES').length, 2);
    const chains = [...(node.ruleset.tables.get('nat')?.chains.keys() ?? [])].filter((name) => name.includes('AAAA'));
    assert.deepEqual(chains, ['KUBE-SVC-AAAAAAAAAAAAAAAA']);
    assert.deepEqual(node.rules('nat', 'KUBE-SVC-AAAAAAAAAAAAAAAA'), []);
    const again = new IptablesPlanner({ node: ZOO_NODE });
    again.observe(node.save());
    assert.deepEqual(again.plan(new Map([[KEY, zooPort()]])), []);
  });
});

test('planRemoval() leaves what others have and nothing of ours, in two pieces when it is little', () => {
  const { node, planner } = synced(zooPorts());
  node.add(
    'nat',
    ':OTHERS - [0:0]',
    '-A OTHERS -j RETURN',
    '-A PREROUTING -j OTHERS',
    '-A PREROUTING -j KUBE-SERVICES',
  );
  node.add('filter', ':KUBE-FIREWALL - [0:0]', '-A KUBE-FIREWALL -j DROP', '-A INPUT -j KUBE-FIREWALL');
  planner.observe(node.save());
  let pieces = 0;
  for (let piece = planner.planRemoval(); piece !== undefined; piece = planner.planRemoval(), pieces++) {
    node.restore(piece.text);
    planner.applied(piece);
  }
  assert.equal(pieces, 2);
  assert.deepEqual(
    lines(node).filter((line) => /^[-:]/.test(line)),
    [
      '-A INPUT -j KUBE-FIREWALL',
      '-A KUBE-FIREWALL -j DROP',
      '-A OTHERS -j RETURN',
      '-A PREROUTING -j OTHERS',
      ':INPUT ACCEPT [0:0]',
      ':KUBE-FIREWALL - [0:0]',
      ':OTHERS - [0:0]',
      ':PREROUTING ACCEPT [0:0]',
    ],
  );
  assert.equal(planner.observe(node.save()), true);
  node.sync(planner, zooPorts());
  assert.equal(planner.observe(node.save()), true);
});
