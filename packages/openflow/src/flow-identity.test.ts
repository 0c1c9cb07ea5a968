import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { arbitraryFlow } from '../testing/arbitrary-flow.ts';
import type { Action } from './action.ts';
import type { Flow } from './flow.ts';
import { flowKey, sameActions, sameFlow } from './flow-identity.ts';

const FLOW: Flow = { table: 3, priority: 7, cookie: 9n, match: { reg0: { value: 1n } }, actions: [] };

const OTHERS: readonly (readonly [what: string, flow: Flow])[] = [
  ['table', { ...FLOW, table: 4 }],
  ['priority', { ...FLOW, priority: 8 }],
  ['value', { ...FLOW, match: { reg0: { value: 2n } } }],
  ['mask', { ...FLOW, match: { reg0: { value: 1n, mask: 3n } } }],
  ['field', { ...FLOW, match: { reg1: { value: 1n } } }],
  ['further field', { ...FLOW, match: { reg0: { value: 1n }, reg1: { value: 1n } } }],
];
for (const [what, other] of OTHERS) {
  test(`flowKey() tells flows apart by another ${what}`, () => assert.notEqual(flowKey(FLOW), flowKey(other)));
}

test('flowKey() is the same for one entry whatever it does', () => {
  assert.equal(flowKey({ ...FLOW, cookie: 1n, actions: [{ kind: 'output', port: 1 }], flags: 1 }), flowKey(FLOW));
});

const CHANGES: readonly (readonly [what: string, change: Partial<Flow>])[] = [
  ['cookie', { cookie: 8n }],
  ['idle timeout', { idleTimeoutS: 1 }],
  ['hard timeout', { hardTimeoutS: 1 }],
  ['flags', { flags: 1 }],
  ['actions', { actions: [{ kind: 'output', port: 1 }] }],
];
for (const [what, change] of CHANGES) {
  test(`sameFlow() is false for another ${what}`, () => assert.equal(sameFlow(FLOW, { ...FLOW, ...change }), false));
}

test('sameFlow() is true whatever was counted, and for zeros that stand for nothing', () => {
  const counted = { ...FLOW, stats: { durationMs: 1, packets: 2n, bytes: 3n } };
  assert.equal(sameFlow(FLOW, { ...counted, idleTimeoutS: 0, hardTimeoutS: 0, flags: 0 }), true);
});

const REG0 = { field: 'reg0', offset: 0, bits: 8 } as const;

const DIFFERENT: readonly (readonly [what: string, a: readonly Action[], b: readonly Action[]])[] = [
  ['one is missing', [{ kind: 'ct_clear' }], []],
  ['kinds differ', [{ kind: 'ct_clear' }], [{ kind: 'dec_ttl' }]],
  [
    'they are the other way round',
    [{ kind: 'ct_clear' }, { kind: 'dec_ttl' }],
    [{ kind: 'dec_ttl' }, { kind: 'ct_clear' }],
  ],
  ['only one has a part', [{ kind: 'output', port: 1 }], [{ kind: 'output', port: 1, maxLen: 9 }]],
  ['values differ', [{ kind: 'load', value: 1n, dst: REG0 }], [{ kind: 'load', value: 2n, dst: REG0 }]],
  [
    'values differ inside',
    [{ kind: 'load', value: 1n, dst: REG0 }],
    [{ kind: 'load', value: 1n, dst: { ...REG0, offset: 8 } }],
  ],
  ['a number and a field stand for the same', [{ kind: 'ct', zone: 1 }], [{ kind: 'ct', zone: { ...REG0, bits: 16 } }]],
  ['lists inside differ', [{ kind: 'clone', actions: [{ kind: 'ct_clear' }] }], [{ kind: 'clone', actions: [] }]],
  ['bytes differ', [{ kind: 'note', bytes: Uint8Array.of(1, 2) }], [{ kind: 'note', bytes: Uint8Array.of(1, 3) }]],
  ['bytes are fewer', [{ kind: 'note', bytes: Uint8Array.of(1, 2) }], [{ kind: 'note', bytes: Uint8Array.of(1) }]],
];
for (const [what, a, b] of DIFFERENT) {
  test(`sameActions() is false when ${what}`, () => {
    assert.equal(sameActions(a, b), false);
    assert.equal(sameActions(b, a), false);
  });
}

test('sameActions() is true for bytes of another kind of array, and for a part that is undefined', () => {
  const bytes = Uint8Array.of(1, 2);
  assert.equal(sameActions([{ kind: 'note', bytes }], [{ kind: 'note', bytes: Buffer.from(bytes) }]), true);
  const undefinedPart = JSON.parse('{"kind":"output","port":1}') as Action;
  assert.equal(sameActions([{ ...undefinedPart, ...{ maxLen: undefined } } as Action], [undefinedPart]), true);
});

test('sameFlow() and flowKey() agree with deep equality, for any two flows', () => {
  const copy = fc.clone(arbitraryFlow(), 2).map(([a, b]) => [a, b] as const);
  const pairs = fc.oneof(copy, fc.tuple(arbitraryFlow(), arbitraryFlow()));
  fc.assert(
    fc.property(pairs, ([a, b]) => {
      const { importance: _a, ...one } = a;
      const { importance: _b, ...two } = b;
      assert.equal(flowKey(one) === flowKey(two) && sameFlow(one, two), isDeepStrictEqual(one, two));
    }),
    { numRuns: 300 },
  );
});
