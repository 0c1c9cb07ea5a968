import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Flow, parseFlow } from '@tenet/openflow';
import { type DropClass, dropCookie } from '@tenet/pipeline';
import fc from 'fast-check';
import { DropTotals } from './drop-totals.ts';

function drop(dropClass: DropClass, port: number, packets: number): Flow {
  const flow = parseFlow(
    `table=0,priority=5,cookie=0x${dropCookie(dropClass).toString(16)},in_port=${port},actions=drop`,
  );
  return { ...flow, stats: { durationMs: 1000, packets: BigInt(packets), bytes: 0n } };
}

/** The totals of one class after each of some readings. */
function totalsOf(dropClass: DropClass, readings: readonly (readonly Flow[])[]): bigint[] {
  const totals = new DropTotals();
  return readings.map((flows) => {
    totals.begin()(flows);
    return totals.all.get(dropClass) ?? -1n;
  });
}

describe('DropTotals', () => {
  const vlan = (packets: number, port = 1) => drop('vlan', port, packets);
  const CASES: { name: string; readings: Flow[][]; totals: bigint[] }[] = [
    { name: 'counts what was there before the first reading', readings: [[vlan(7)]], totals: [7n] },
    { name: 'adds only the difference', readings: [[vlan(3)], [vlan(3)], [vlan(10)]], totals: [3n, 3n, 10n] },
    {
      name: 'goes on after a counter fell to zero',
      readings: [[vlan(9)], [vlan(0)], [vlan(2)]],
      totals: [9n, 9n, 11n],
    },
    { name: 'counts all of a smaller number', readings: [[vlan(9)], [vlan(4)]], totals: [9n, 13n] },
    { name: 'stays when flows vanish', readings: [[vlan(9)], []], totals: [9n, 9n] },
    { name: 'counts a flow that came back from zero', readings: [[vlan(9)], [], [vlan(9)]], totals: [9n, 9n, 18n] },
    {
      name: 'sums the flows of a class',
      readings: [
        [vlan(1), vlan(2, 2)],
        [vlan(5), vlan(2, 2)],
      ],
      totals: [3n, 7n],
    },
    {
      name: 'starts anew for a flow whose class changed',
      readings: [[drop('ipv6', 1, 50)], [vlan(60)]],
      totals: [0n, 60n],
    },
  ];
  for (const { name, readings, totals } of CASES) {
    test(`begin() ${name}`, () => assert.deepEqual(totalsOf('vlan', readings), totals));
  }

  test('begin() passes over flows that are no drops', () => {
    const totals = new DropTotals();
    totals.begin()([{ ...parseFlow('cookie=0x100000000000000,actions=drop'), stats: vlan(5).stats ?? assert.fail() }]);
    assert.ok([...totals.all.values()].every((packets) => packets === 0n));
  });

  test('begin() passes over an answer that was asked for before one that it has taken, and the same one again', () => {
    const totals = new DropTotals();
    const [older, newer] = [totals.begin(), totals.begin()];
    newer([vlan(2_000_000)]);
    older([vlan(1_999_990)]);
    newer([vlan(2_000_000)]);
    assert.equal(totals.all.get('vlan'), 2_000_000n);
    totals.begin()([vlan(2_000_007)]);
    assert.equal(totals.all.get('vlan'), 2_000_007n);
  });

  test('begin() counts each packet once, in whatever order the answers come', () => {
    const growth = fc.array(fc.nat(20), { minLength: 1, maxLength: 8 });
    const asked = growth.chain((steps) => {
      let packets = 0;
      const counted = steps.map((step) => (packets += step));
      const turns = counted.map((_, at) => at);
      return fc.tuple(
        fc.constant(counted),
        fc.shuffledSubarray(turns, { minLength: turns.length, maxLength: turns.length }),
      );
    });
    fc.assert(
      fc.property(asked, ([counted, order]) => {
        const totals = new DropTotals();
        const answers = counted.map((packets) => {
          const answer = totals.begin();
          return () => answer([vlan(packets)]);
        });
        for (const at of order) answers[at]?.();
        assert.equal(totals.all.get('vlan'), BigInt(counted.at(-1) ?? -1));
      }),
    );
  });

  test('no total ever goes backwards, whatever is read', () => {
    const reading = fc.array(
      fc
        .record({ port: fc.integer({ min: 1, max: 3 }), packets: fc.nat(20) })
        .map(({ port, packets }) => vlan(packets, port)),
    );
    fc.assert(
      fc.property(fc.array(reading), (readings) => {
        const totals = totalsOf('vlan', readings);
        assert.ok(totals.every((total, at) => at === 0 || total >= (totals[at - 1] ?? 0n)));
      }),
    );
  });
});
