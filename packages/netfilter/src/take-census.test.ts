import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DesiredRules } from './desired-rules.ts';
import { parseIptablesSave } from './parse-iptables-save.ts';
import { parseRule } from './parse-rule.ts';
import { type Census, takeCensus } from './take-census.ts';

const DESIRED: DesiredRules = {
  tables: [
    {
      table: 'filter',
      chains: new Map([['TENET-A', [parseRule('-j DROP')]]]),
      sharedChains: ['ADMIN'],
      jumps: [
        { chain: 'FORWARD', rule: parseRule('-j TENET-A'), position: 'first' },
        { chain: 'FORWARD', rule: parseRule('-i tun0 -j ADMIN'), position: 'last' },
      ],
    },
  ],
  ownedPrefixes: ['TENET-'],
};

const CASES: readonly { name: string; lines: readonly string[]; census: Partial<Census> }[] = [
  { name: 'nothing in built-in chains without rules', lines: [':FORWARD ACCEPT [0:0]'], census: {} },
  {
    name: 'our chain, whatever is in it, and the rules that call it',
    lines: [':FORWARD ACCEPT [0:0]', ':TENET-A - [0:0]', '-A FORWARD -j TENET-A', '-A TENET-A -j LOG'],
    census: { ownChains: 1 },
  },
  {
    name: 'a chain of ours that is no longer desired, and one that calls it from elsewhere than desired',
    lines: [':INPUT ACCEPT [0:0]', ':TENET-OLD - [0:0]', '-A INPUT -i old0 -j TENET-OLD'],
    census: { ownChains: 1 },
  },
  {
    name: "the shared chain and our call of it as nobody's, and what the administrator put there as of others",
    lines: [':FORWARD ACCEPT [0:0]', ':ADMIN - [0:0]', '-A FORWARD -i tun0 -j ADMIN', '-A ADMIN -j DROP'],
    census: { otherRules: 1 },
  },
  {
    name: 'another call of the shared chain as of others',
    lines: [':FORWARD ACCEPT [0:0]', ':ADMIN - [0:0]', '-A FORWARD -i eth0 -j ADMIN'],
    census: { otherRules: 1 },
  },
  {
    name: 'chains of others, empty ones too, and every rule in them',
    lines: [
      ':FORWARD ACCEPT [0:0]',
      ':KUBE-MARK - [0:0]',
      ':OTHERS - [0:0]',
      '-A FORWARD -j OTHERS',
      '-A OTHERS -j TENET-A',
    ],
    census: { otherChains: 2, otherRules: 2 },
  },
  { name: 'a policy that drops as a rule of others', lines: [':FORWARD DROP [0:0]'], census: { otherRules: 1 } },
];

describe('takeCensus()', () => {
  for (const { name, lines, census } of CASES) {
    test(`counts ${name}`, () => {
      const installed = parseIptablesSave(['*filter', ...lines, 'COMMIT'].join('\n'));
      assert.deepEqual(takeCensus(DESIRED, installed), { ownChains: 0, otherChains: 0, otherRules: 0, ...census });
    });
  }

  test('counts in tables where nothing is desired', () => {
    const installed = parseIptablesSave('*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DROP\nCOMMIT\n');
    assert.deepEqual(takeCensus(DESIRED, installed), { ownChains: 0, otherChains: 0, otherRules: 1 });
  });

  test('counts neither chains that are ignored, nor rules in built-in chains that call them', () => {
    const text = `*nat
:OUTPUT ACCEPT [0:0]
:KUBE-SVC-A - [0:0]
:OTHERS - [0:0]
-A OUTPUT -j KUBE-SVC-A
-A OUTPUT -j OTHERS
-A KUBE-SVC-A -j ACCEPT
-A OTHERS -j KUBE-SVC-A
COMMIT
`;
    const isIgnored = (chain: string) => chain.startsWith('KUBE-');
    assert.deepEqual(takeCensus(DESIRED, parseIptablesSave(text), { isIgnored }), {
      ownChains: 0,
      otherChains: 1,
      otherRules: 2,
    });
  });
});
