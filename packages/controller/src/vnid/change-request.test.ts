import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseChangeRequest } from './change-request.ts';
import { mustWait } from './must-wait.ts';

describe('parseChangeRequest() is undefined for', () => {
  for (const text of ['', 'Global', 'join', 'join:', 'join:a:b', ':a', 'isolate:a', 'global ', 'leave:a']) {
    test(JSON.stringify(text), () => assert.equal(parseChangeRequest(text), undefined));
  }
});

test('parseChangeRequest() reads the three requests', () => {
  assert.deepEqual(parseChangeRequest('global'), { kind: 'global' });
  assert.deepEqual(parseChangeRequest('isolate'), { kind: 'isolate' });
  assert.deepEqual(parseChangeRequest('join:a-b'), { kind: 'join', target: 'a-b' });
});

// biome-ignore format: one row per line
const WAITS: readonly [why: string, requests: Readonly<Record<string, string>>, goesNow: readonly string[]][] = [
  ['a join of one that is isolated now',  { a: 'isolate', b: 'join:a' },                         ['a']],
  ['a chain of joins',                    { a: 'join:b', b: 'join:c', c: 'global' },             ['c']],
  ['a join of one that stays as it is',   { a: 'join:z' },                                       ['a']],
  ['a join of itself',                    { a: 'join:a' },                                       ['a']],
  ['two that join each other',            { b: 'join:a', a: 'join:b' },                          ['a']],
  ['three in a circle and one outside',   { a: 'join:b', d: 'join:c', c: 'join:b', b: 'join:d' }, ['b']],
];

describe('mustWait() lets go', () => {
  for (const [why, texts, goesNow] of WAITS) {
    test(`${goesNow} of ${why}`, () => {
      const read = Object.entries(texts).flatMap(([name, text]) => {
        const request = parseChangeRequest(text);
        return request === undefined ? [] : [[name, request] as const];
      });
      const requests = new Map(read);
      assert.deepEqual(
        [...requests.keys()].filter((name) => !mustWait(name, requests)),
        goesNow,
      );
    });
  }
});
