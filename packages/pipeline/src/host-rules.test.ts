import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatRule, parseIptablesSave, planRestore } from '@tenet/netfilter';
import { Prefix } from '@tenet/std';
import { ARTICLE_NODE } from './article-node.ts';
import { type HostRulesOptions, hostGuards, hostRules } from './host-rules.ts';
import type { NodeNetwork } from './node-network.ts';

const NODE = ARTICLE_NODE.node;

/** The rules of a chain in the plan for a machine that has none. */
function planned(node: NodeNetwork, chain: string): string[] {
  const plan = planRestore(hostRules(node), parseIptablesSave('')) ?? '';
  return plan
    .split('\n')
    .filter((line) => line.startsWith(`-A ${chain} `))
    .map((line) => line.slice(`-A ${chain} `.length));
}

describe('hostRules()', () => {
  // biome-ignore format: a chain a block
  const CHAINS: Readonly<Record<string, readonly string[]>> = {
    'TENET-PREROUTING': [
      '-i lo -j RETURN',
      '-d 172.30.0.0/16 ! -i tun0 -j DROP',
      '-s 10.128.0.0/14 ! -i tun0 -j DROP',
      '-s 172.30.0.0/16 ! -i tun0 -j DROP',
      '! -i tun0 -p udp -m udp --dport 4789 -j CT --notrack',
    ],
    'TENET-OUTPUT': ['-p udp -m udp --dport 4789 -j CT --notrack'],
    'TENET-INPUT': [
      '-i tun0 -p udp -m udp --dport 4789 -j DROP',
      '-p udp -m udp --dport 4789 -m conntrack --ctstate DNAT -j DROP',
      '-p udp -m udp --dport 4789 -j ACCEPT',
      '-i tun0 -j ACCEPT',
    ],
    'TENET-GUARD': [
      '-p udp -m udp --dport 4789 -j DROP',
      '-s 10.128.0.0/14 -m conntrack --ctstate INVALID -j DROP',
      '! -i tun0 -o tun0 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP',
    ],
    'TENET-FORWARD': [
      '-d 10.128.0.0/14 -j ACCEPT',
      '-s 10.128.0.0/14 -j ACCEPT',
      '-m mark --mark 0x4000/0x4000 -j ACCEPT',
      '-m conntrack --ctstate DNAT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    ],
    'TENET-MASQUERADE': ['-d 10.128.0.0/14 -j RETURN', '-s 10.128.0.0/14 -j MASQUERADE'],
  };
  for (const [chain, rules] of Object.entries(CHAINS)) {
    test(`has in ${chain} what was tried with packets`, () => assert.deepEqual(planned(NODE, chain), rules));
  }

  test("calls the guard before all else that is forwarded, and the administrator's chain before the accepting one", () => {
    const forward = (
      planRestore(
        hostRules(NODE),
        parseIptablesSave('*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 192.0.2.1 -j ACCEPT\nCOMMIT\n'),
      ) ?? ''
    )
      .split('\n')
      .filter((line) => / FORWARD /.test(line));
    assert.match(forward.join('\n'), /-I FORWARD 1 -j TENET-GUARD/);
    const last = forward.filter((line) => line.startsWith('-A'));
    assert.deepEqual(last, [
      '-A FORWARD -i tun0 ! -o tun0 -j OPENSHIFT-ADMIN-OUTPUT-RULES',
      '-A FORWARD -j TENET-FORWARD',
    ]);
  });

  test('guards every cluster network, and masquerades between none of them', () => {
    const node = { ...NODE, clusterNetworks: [...NODE.clusterNetworks, Prefix.parse('10.200.0.0/16')] };
    assert.deepEqual(planned(node, 'TENET-MASQUERADE'), [
      '-d 10.128.0.0/14 -j RETURN',
      '-d 10.200.0.0/16 -j RETURN',
      '-s 10.128.0.0/14 -j MASQUERADE',
      '-s 10.200.0.0/16 -j MASQUERADE',
    ]);
    assert.equal(planned(node, 'TENET-PREROUTING').filter((rule) => rule.includes('-s 10.')).length, 2);
  });

  test('obeys another VXLAN port', () => {
    assert.ok(planned({ ...NODE, vxlanPort: 8472 }, 'TENET-GUARD')[0]?.includes('--dport 8472'));
  });
});

describe('hostRules() of a node whose services are chains of iptables', () => {
  const OPTIONS: HostRulesOptions = { serviceChains: true };

  /** The chains that a chain of the kernel calls, in order, in the plan for a machine that has the rules of others. */
  function calls(chain: string, table: string, options: HostRulesOptions): string[] {
    const { tables } = hostRules(NODE, options);
    return (tables.find((each) => each.table === table)?.jumps ?? [])
      .filter((jump) => jump.chain === chain)
      .map(({ rule, position }) => `${position} ${rule.target?.name}`);
  }

  // biome-ignore format: a chain a line
  const ORDERS: readonly (readonly [table: string, chain: string, called: readonly string[]])[] = [
    ['filter', 'INPUT', ['first KUBE-PORTALS', 'first KUBE-PROXY-FIREWALL', 'first KUBE-NODEPORTS', 'first KUBE-EXTERNAL-SERVICES', 'first TENET-INPUT']],
    ['filter', 'FORWARD', ['first TENET-GUARD', 'first KUBE-PROXY-FIREWALL', 'first KUBE-FORWARD', 'first KUBE-SERVICES', 'first KUBE-EXTERNAL-SERVICES', 'last OPENSHIFT-ADMIN-OUTPUT-RULES', 'last TENET-FORWARD']],
    ['filter', 'OUTPUT', ['first KUBE-PROXY-FIREWALL', 'first KUBE-SERVICES', 'first KUBE-EXTERNAL-SERVICES']],
    ['nat', 'PREROUTING', ['first KUBE-SERVICES']],
    ['nat', 'OUTPUT', ['first KUBE-SERVICES']],
    ['nat', 'POSTROUTING', ['first KUBE-POSTROUTING', 'last TENET-MASQUERADE']],
  ];
  for (const [table, chain, called] of ORDERS) {
    test(`calls from ${chain} of ${table} the chains in the order that was tried`, () => {
      assert.deepEqual(calls(chain, table, OPTIONS), called);
    });
    test(`calls from ${chain} of ${table} none of them when they are not`, () => {
      assert.deepEqual(
        calls(chain, table, {}),
        called.filter((call) => !call.includes('KUBE-')),
      );
    });
  }

  test('makes the chains that are missing, once each, and fills none', () => {
    const plan = planRestore(hostRules(NODE, OPTIONS), parseIptablesSave('')) ?? '';
    const made = plan.split('\n').filter((line) => line.startsWith(':KUBE-'));
    assert.equal(new Set(made).size, made.length - 1, 'KUBE-SERVICES alone is in two tables');
    assert.equal(made.length, 8);
    assert.doesNotMatch(plan, /-A KUBE-/);
  });

  test("takes kube-proxy's own calls for its own", () => {
    const installed = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
COMMIT
`;
    const plan = planRestore(hostRules(NODE, OPTIONS), parseIptablesSave(installed)) ?? '';
    assert.doesNotMatch(plan, /PREROUTING .*KUBE-SERVICES|KUBE-POSTROUTING/);
    assert.match(plan, /-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES/);
  });

  test('knows nothing of them when they are not, and leaves what is there to whoever removes it', () => {
    const leftovers =
      '*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n';
    assert.doesNotMatch(planRestore(hostRules(NODE), parseIptablesSave(leftovers)) ?? '', /KUBE/);
  });
});

describe('hostGuards()', () => {
  const TWO = { ...NODE, clusterNetworks: [...NODE.clusterNetworks, Prefix.parse('10.200.0.0/16')] };

  test('names each rule that drops, in its place, and no other', () => {
    const named = hostGuards(TWO).map(({ chain, rule }) => `${chain} ${formatRule(rule)}`);
    const dropping = hostRules(TWO).tables.flatMap(({ chains }) =>
      [...chains].flatMap(([chain, rules]) =>
        rules.filter(({ target }) => target?.name === 'DROP').map((rule) => `${chain} ${formatRule(rule)}`),
      ),
    );
    assert.deepEqual(named, dropping);
  });

  test('has the same names however many cluster networks there are', () => {
    const names = hostGuards(NODE).map(({ guard }) => guard);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual([...new Set(hostGuards(TWO).map(({ guard }) => guard))], names);
    for (const name of names) assert.match(name, /^[a-z]+(-[a-z]+)+$/);
  });
});
