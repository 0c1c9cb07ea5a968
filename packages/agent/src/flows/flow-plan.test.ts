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

/** A plan of one layer. */
function plan(...lists: readonly (readonly KeyedFlow[])[]): FlowPlan {
  return new FlowPlan([new Set(lists)]);
}

describe('FlowPlan', () => {
  const [one, two] = [[flow(1), flow(2)], [flow(3)]];

  test('since() is nothing for a plan of the same lists, in whatever order', () => {
    const change = plan(one, two).since(plan(two, one));
    assert.deepEqual([change.add.size, change.remove.size], [0, 0]);
  });

  test('since() is nothing for new lists of equal flows', () => {
    const again = plan([flow(2), flow(1)], [flow(3)]);
    const before = plan(one, two);
    const change = again.since(before);
    assert.deepEqual([change.add.size, change.remove.size], [0, 0]);
  });

  test('since() does not look into a layer that is the same, and finds what went to another layer', () => {
    const layer = new Set([one]);
    const [before, after] = [new FlowPlan([layer, new Set([two])]), new FlowPlan([layer, new Set()])];
    assert.deepEqual([...after.since(before).remove.values()], [flow(3)[1]]);
    const swapped = new FlowPlan([new Set([two]), new Set([one])]).since(
      new FlowPlan([new Set([one]), new Set([two])]),
    );
    assert.deepEqual([swapped.add.size, swapped.remove.size], [0, 0]);
  });

  test('since() does not remove what only went to another owner', () => {
    const change = plan([flow(1)], [flow(2), flow(3)]).since(plan(one, two));
    assert.deepEqual([change.add.size, change.remove.size], [0, 0]);
  });

  test('since() adds what does something else, and does not remove it', () => {
    const change = plan(one, [flow(3, 9)]).since(plan(one, two));
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
    // The layers are as they come: what has changed may also have gone to another.
    const any = fc.tuple(fc.uniqueArray(list, { selector: ([at]) => at }), fc.nat(6)).map(([chosen, at]) => {
      const lists = chosen.map(([, flows]) => flows);
      return new FlowPlan([new Set(lists.slice(0, at)), new Set(lists.slice(at))]);
    });
    fc.assert(
      fc.property(any, any, (after, before) => {
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
