import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Flow, flowKey } from '@tenet/openflow';
import { diff } from '@tenet/std';
import fc from 'fast-check';
import { FlowPlan, type KeyedFlow } from './flow-plan.ts';

/** A flow of this priority, which does what the port says. */
function flow(priority: number, port = 1): KeyedFlow {
  const it: Flow = { table: 0, priority, cookie: 0n, match: {}, actions: [{ kind: 'output', port }] };
  return [flowKey(it), it];
}

describe('FlowPlan', () => {
  const [one, two] = [[flow(1), flow(2)], [flow(3)]];

  test('since() is nothing for a plan of the same lists, in whatever order', () => {
    const change = new FlowPlan([one, two]).since(new FlowPlan([two, one]));
    assert.deepEqual([change.add.size, change.remove.size], [0, 0]);
  });

  test('since() is nothing for new lists of equal flows, which are two plans all the same', () => {
    const again = new FlowPlan([[flow(2), flow(1)], [flow(3)]]);
    const before = new FlowPlan([one, two]);
    const change = again.since(before);
    assert.deepEqual([change.add.size, change.remove.size, again.equals(before)], [0, 0, false]);
  });

  test('since() does not remove what only went to another owner', () => {
    const change = new FlowPlan([[flow(1)], [flow(2), flow(3)]]).since(new FlowPlan([one, two]));
    assert.deepEqual([change.add.size, change.remove.size], [0, 0]);
  });

  test('since() adds what does something else, and does not remove it', () => {
    const change = new FlowPlan([one, [flow(3, 9)]]).since(new FlowPlan([one, two]));
    assert.deepEqual([[...change.add.values()], change.remove.size], [[flow(3, 9)[1]], 0]);
  });

  test('since() is what a comparison of all flows finds, for any two plans', () => {
    // An owner is one of a few lists, or a new one with flows of its own numbers.
    const owners = Array.from({ length: 6 }, (_, at) => [flow(at * 2), flow(at * 2 + 1)]);
    const list = fc
      .tuple(fc.nat(5), fc.constantFrom('same', 'copy', 'other', 'fewer'))
      .map(([at, how]): readonly [number, readonly KeyedFlow[]] => {
        const owner = owners[at] ?? [];
        if (how === 'same') return [at, owner];
        if (how === 'fewer') return [at, owner.slice(1)];
        return [at, how === 'copy' ? [...owner] : [flow(at * 2, 7), flow(at * 2 + 1)]];
      });
    const plan = fc
      .uniqueArray(list, { selector: ([at]) => at })
      .map((chosen) => new FlowPlan(chosen.map(([, flows]) => flows)));
    fc.assert(
      fc.property(plan, plan, (after, before) => {
        const all = diff(after.flows, before.flows, isSame);
        const change = after.since(before);
        assert.deepEqual([...change.add.keys()].sort(), [...all.add.keys()].sort());
        assert.deepEqual([...change.remove.keys()].sort(), [...all.remove.keys()].sort());
      }),
    );
  });
});

function isSame(a: Flow, b: Flow): boolean {
  return JSON.stringify(a.actions) === JSON.stringify(b.actions);
}
