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
    totals.observe(flows);
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
    test(`observe() ${name}`, () => assert.deepEqual(totalsOf('vlan', readings), totals));
  }

  test('observe() passes over flows that are no drops', () => {
    const totals = new DropTotals();
    totals.observe([{ ...parseFlow('cookie=0x100000000000000,actions=drop'), stats: vlan(5).stats ?? assert.fail() }]);
    assert.ok([...totals.all.values()].every((packets) => packets === 0n));
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
