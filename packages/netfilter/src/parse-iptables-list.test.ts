import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { formatRule } from './format-rule.ts';
import { parseIptablesList } from './parse-iptables-list.ts';

/** As iptables-nft 1.8.9 prints it. */
const LISTED = `-P INPUT ACCEPT -c 0 0
-P FORWARD DROP -c 7 420
-N TENET-GUARD
-A INPUT -s 192.0.2.4/32 -p tcp -m comment --comment "a -c 1 2 b" -m tcp --dport 80 -c 3 180 -j ACCEPT
-A INPUT -s 192.0.2.4/32 -c 5 300
-A FORWARD -c 18446744073709551615 0 -j TENET-GUARD
-A TENET-GUARD -p udp -m udp --dport 4789 -c 2 66 -j LOG --log-prefix "it -c 9 9 "
# Warning: iptables-legacy tables present, use iptables-legacy to see them
`;

describe('parseIptablesList()', () => {
  for (const { text, line, problem } of [
    { text: '-P INPUT\n', line: 1, problem: 'is neither policy, chain nor rule' },
    { text: '-N A B\n', line: 1, problem: 'is neither policy, chain nor rule' },
    { text: '*filter\n', line: 1, problem: 'is neither policy, chain nor rule' },
    { text: '-N A\n\n-A B -j DROP\n', line: 3, problem: 'adds to the undeclared chain B' },
    { text: '-N A\n-A A -s\n', line: 2, problem: 'lacks the value of -s' },
  ])
    test(`refuses ${JSON.stringify(text)}: line ${line} ${problem}`, () => {
      assert.throws(
        () => parseIptablesList('filter', text),
        (error) =>
          isTenetError(error, 'RULESET_MALFORMED') && error.facts.line === line && error.facts.problem === problem,
      );
    });

  test('reads policies, chains, rules and counters, and takes no comment for counters', () => {
    const { chains } = parseIptablesList('filter', LISTED);
    const seen = [...chains].map(([name, { policy, counters, rules }]) => [
      name,
      policy,
      counters?.packets,
      rules.map((rule) => [rule.counters?.packets, formatRule(rule)]),
    ]);
    assert.deepEqual(seen, [
      [
        'INPUT',
        'ACCEPT',
        0n,
        [
          [3n, '-s 192.0.2.4/32 -p tcp -m comment --comment "a -c 1 2 b" -m tcp --dport 80 -j ACCEPT'],
          [5n, '-s 192.0.2.4/32'],
        ],
      ],
      ['FORWARD', 'DROP', 7n, [[18_446_744_073_709_551_615n, '-j TENET-GUARD']]],
      ['TENET-GUARD', undefined, 0n, [[2n, '-p udp -m udp --dport 4789 -j LOG --log-prefix "it -c 9 9 "']]],
    ]);
  });

  test('reads nothing as a table without chains', () => {
    assert.equal(parseIptablesList('nat', '').chains.size, 0);
  });
});
