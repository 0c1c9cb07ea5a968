import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ip } from '@tenet/std';
import type { Endpoint } from './endpoint.ts';
import type { Expectation } from './expectation.ts';
import type { Outcome } from './outcome.ts';
import { isAsExpected, type PairOutcome, wordOf } from './probe-pair.ts';

const TO: Endpoint = { kind: 'outside', name: 'outside', namespace: 'o', ip: Ip.parse('198.51.100.10') };
const NODE: Endpoint = { ...TO, kind: 'node', name: 'n', gateway: Ip.parse('10.131.2.1') };
const REACHES: Expectation = { kind: 'reaches', client: Ip.parse('10.122.70.72') };
const NO_ROUTE: Expectation = { kind: 'no route' };

const answered = (pod: string, client: string): Outcome => ({
  outcome: 'answered',
  answer: { pod, client, port: 1 },
  ms: 1,
});
const RIGHT = answered('outside', '10.122.70.72');
const REPLY: Outcome = { outcome: 'reply', ms: 1 };
const TIMEOUT: Outcome = { outcome: 'timeout' };
const REFUSED: Outcome = { outcome: 'refused' };
const ALL_LOST: PairOutcome = { TCP: TIMEOUT, UDP: TIMEOUT, ICMP: TIMEOUT };
const WELL: PairOutcome = { TCP: RIGHT, UDP: RIGHT, ICMP: REPLY };

const ROWS: readonly (readonly [name: string, Expectation, Endpoint, PairOutcome, boolean])[] = [
  ['one protocol is lost', REACHES, TO, { ...WELL, UDP: TIMEOUT }, false],
  ['somebody else answers', REACHES, TO, { ...WELL, TCP: answered('alpha/web', '10.122.70.72') }, false],
  ['the answerer sees a pod', REACHES, TO, { ...WELL, TCP: answered('outside', '10.131.2.2') }, false],
  ['nobody listens on a pod or outside', REACHES, TO, { ...WELL, TCP: REFUSED }, false],
  ['one protocol leaks', NO_ROUTE, TO, { ...ALL_LOST, ICMP: REPLY }, false],
  ['a refusal leaks', NO_ROUTE, TO, { ...ALL_LOST, TCP: REFUSED }, false],
  ['all reach', REACHES, TO, WELL, true],
  ["a node's kernel refuses", REACHES, NODE, { TCP: REFUSED, UDP: REFUSED, ICMP: REPLY }, true],
  ['all are lost', NO_ROUTE, TO, ALL_LOST, true],
];

for (const [name, expectation, to, outcome, is] of ROWS) {
  test(`isAsExpected() is ${is} when it ${expectation.kind} and ${name}`, () =>
    assert.equal(isAsExpected(expectation, to, outcome), is));
}

const WORDS: readonly (readonly [PairOutcome, string])[] = [
  [WELL, 'reaches'],
  [{ ...ALL_LOST, ICMP: REPLY }, 'ICMP only'],
  [ALL_LOST, 'blocked'],
  [{ ...ALL_LOST, TCP: { outcome: 'unreachable', errno: 'ENETUNREACH' } }, 'no route'],
];

for (const [outcome, word] of WORDS) test(`wordOf() is "${word}"`, () => assert.equal(wordOf(outcome), word));
