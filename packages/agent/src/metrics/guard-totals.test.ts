import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatRule, parseIptablesSave, type Ruleset } from '@tenet/netfilter';
import { ARTICLE_NODE, hostGuards } from '@tenet/pipeline';
import { Prefix } from '@tenet/std';
import fc from 'fast-check';
import { GuardTotals } from './guard-totals.ts';

const NODE = {
  ...ARTICLE_NODE.node,
  clusterNetworks: [Prefix.parse('10.128.0.0/14'), Prefix.parse('10.200.0.0/16')],
};
const GUARD = 'outside-forging-pod';
const [FIRST, SECOND] = hostGuards(NODE).filter(({ guard }) => guard === GUARD);
assert.ok(FIRST !== undefined && SECOND !== undefined);

/** The rules as `iptables-save -c` shows them with these numbers of packets; undefined is a rule that is not there. */
function saved(first: number | undefined, second?: number): Ruleset {
  const rules = [
    [FIRST, first],
    [SECOND, second],
  ] as const;
  const lines = rules.flatMap(([guard, packets]) =>
    guard === undefined || packets === undefined
      ? []
      : [`[${packets}:${packets * 100}] -A ${guard.chain} ${formatRule(guard.rule)}`],
  );
  return parseIptablesSave(['*raw', ':TENET-PREROUTING - [0:0]', ...lines, 'COMMIT'].join('\n'));
}

function totalOf(totals: GuardTotals): bigint {
  return totals.all.get(GUARD) ?? assert.fail();
}

describe('GuardTotals', () => {
  const CASES: { name: string; readings: Ruleset[]; totals: bigint[] }[] = [
    { name: 'counts what was there before the first reading', readings: [saved(7)], totals: [7n] },
    { name: 'adds only the difference', readings: [saved(3), saved(3), saved(10)], totals: [3n, 3n, 10n] },
    { name: 'goes on after a counter fell to zero', readings: [saved(9), saved(0), saved(2)], totals: [9n, 9n, 11n] },
    { name: 'counts all of a smaller number', readings: [saved(9), saved(4)], totals: [9n, 13n] },
    { name: 'stays when the rule vanishes', readings: [saved(9), saved(undefined)], totals: [9n, 9n] },
    {
      name: 'counts a rule that came back from zero',
      readings: [saved(9), saved(undefined), saved(9)],
      totals: [9n, 9n, 18n],
    },
    { name: 'sums the rules of a guard', readings: [saved(1, 2), saved(5, 2)], totals: [3n, 7n] },
    { name: 'counts nothing of rules that were read without counters', readings: [withoutCounters()], totals: [0n] },
  ];
  for (const { name, readings, totals } of CASES) {
    test(`begin() ${name}`, () => {
      const guards = new GuardTotals(NODE);
      const seen = readings.map((reading) => {
        guards.begin()(reading);
        return totalOf(guards);
      });
      assert.deepEqual(seen, totals);
    });
  }

  test('has each guard from the start', () => {
    const names = new Set(hostGuards(NODE).map(({ guard }) => guard));
    assert.deepEqual(
      [...new GuardTotals(NODE).all],
      [...names].map((name) => [name, 0n]),
    );
  });

  test('begin() takes the first of two readings that overlap', () => {
    const guards = new GuardTotals(NODE);
    const [older, newer] = [guards.begin(), guards.begin()];
    newer(saved(7));
    older(saved(5));
    assert.equal(totalOf(guards), 7n);
    guards.begin()(saved(8));
    assert.equal(totalOf(guards), 8n);
  });

  test('change() makes worthless what was read before or meanwhile, and counts filled chains from zero', () => {
    const guards = new GuardTotals(NODE);
    guards.begin()(saved(5));
    const before = guards.begin();
    const changed = guards.change();
    guards.begin()(saved(1));
    const meanwhile = guards.begin();
    changed(['TENET-PREROUTING']);
    before(saved(5));
    meanwhile(saved(2));
    assert.equal(totalOf(guards), 5n);
    guards.begin()(saved(9));
    assert.equal(totalOf(guards), 14n);
  });

  test('change() leaves the counters of the chains that were not filled', () => {
    const guards = new GuardTotals(NODE);
    guards.begin()(saved(5));
    guards.change()(['TENET-GUARD']);
    guards.begin()(saved(9));
    assert.equal(totalOf(guards), 9n);
  });

  test('no total ever goes backwards, whatever is read', () => {
    const packets = fc.option(fc.nat(20), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.tuple(packets, packets)), (readings) => {
        const guards = new GuardTotals(NODE);
        let before = 0n;
        for (const [first, second] of readings) {
          guards.begin()(saved(first, second));
          assert.ok(totalOf(guards) >= before);
          before = totalOf(guards);
        }
      }),
    );
  });
});

function withoutCounters(): Ruleset {
  assert.ok(FIRST !== undefined);
  const rule = `-A ${FIRST.chain} ${formatRule(FIRST.rule)}`;
  return parseIptablesSave(`*raw\n:TENET-PREROUTING - [0:0]\n${rule}\nCOMMIT\n`);
}
