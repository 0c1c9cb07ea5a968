import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SwitchConnection } from '@tenet/openflow/connection';
import type { Clock } from '@tenet/std';
import { ofPortsAgree } from './of-ports-agree.ts';

type Numbers = Readonly<Record<string, number>>;

/** A switch that has other numbers each time it is asked; the last ones stay. */
function switchWith(...answers: readonly Numbers[]): Pick<SwitchConnection, 'portDescriptions'> {
  let asked = 0;
  return {
    async portDescriptions() {
      const numbers = answers[Math.min(asked++, answers.length - 1)] ?? {};
      return Object.entries(numbers).map(([name, port]) => ({ name, port })) as Awaited<
        ReturnType<SwitchConnection['portDescriptions']>
      >;
    },
  };
}

/** Time passes when somebody sleeps. */
function clockOf(onSleep: () => void = () => {}): Clock & { readonly sleptMs: number } {
  let sleptMs = 0;
  return {
    nowMs: () => sleptMs,
    async sleep(ms) {
      sleptMs += ms;
      onSleep();
    },
    get sleptMs() {
      return sleptMs;
    },
  };
}

const { signal } = new AbortController();
const HERE = [
  { name: 'br0', ofport: 65_534 },
  { name: 'vxlan0', ofport: 1 },
  { name: 'veth1', ofport: 45 },
];
const SWITCH = { br0: 0xffff_fffe, vxlan0: 1, veth1: 45 };

describe('ofPortsAgree()', () => {
  const NEVER = [
    { name: 'a port has another number', numbers: { ...SWITCH, veth1: 46 }, ofPort: 46 },
    { name: 'the switch has no such port', numbers: { vxlan0: 1 }, ofPort: 0 },
  ];
  for (const { name, numbers, ofPort } of NEVER) {
    test(`rejects with OF_PORTS_UNSETTLED when ${name} and stays so`, async () => {
      const clock = clockOf();
      await assert.rejects(ofPortsAgree(switchWith(numbers), { known: () => HERE, clock, signal }), {
        code: 'OF_PORTS_UNSETTLED',
        facts: { port: 'veth1', ofPort, database: 45 },
      });
      assert.ok(clock.sleptMs >= 1_000);
    });
  }

  const AT_ONCE = [
    { name: 'all numbers are equal', known: HERE },
    { name: 'a port has no number yet', known: [...HERE, { name: 'veth2' }] },
    { name: 'a port could not be opened', known: [...HERE, { name: 'veth2', ofport: -1 }] },
    { name: 'the database knows no port', known: [] },
  ];
  for (const { name, known } of AT_ONCE) {
    test(`resolves at once when ${name}`, async () => {
      const clock = clockOf();
      await ofPortsAgree(switchWith(SWITCH), { known: () => known, clock, signal });
      assert.equal(clock.sleptMs, 0);
    });
  }

  test('resolves when the database hears of the new number', async () => {
    let ofport = 44;
    const clock = clockOf(() => {
      ofport = 45;
    });
    await ofPortsAgree(switchWith(SWITCH), { known: () => [{ name: 'veth1', ofport }], clock, signal });
    assert.ok(clock.sleptMs > 0);
  });
});
