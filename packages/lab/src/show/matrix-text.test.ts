import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ip } from '@tenet/std';
import type { Endpoint, NodeEndpoint } from '../probe/endpoint.ts';
import { expect } from '../probe/expectation.ts';
import type { Outcome } from '../probe/outcome.ts';
import type { PairOutcome } from '../probe/probe-pair.ts';
import type { PairFinding } from '../probe/prove-isolation.ts';
import { matrixText } from './matrix-text.ts';

const NODE: NodeEndpoint = {
  kind: 'node',
  name: 'n1',
  namespace: 'n',
  ip: Ip.parse('10.122.70.72'),
  gateway: Ip.parse('10.131.2.1'),
};
const pod = (name: string, ip: string, vnid: number): Endpoint => ({
  kind: 'pod',
  name,
  namespace: name,
  ip: Ip.parse(ip),
  node: NODE,
  vnid,
});
const WEB = pod('alpha/web', '10.131.2.2', 10);
const DB = pod('beta/db', '10.131.2.3', 20);
const OUTSIDE: Endpoint = { kind: 'outside', name: 'outside', namespace: 'o', ip: Ip.parse('198.51.100.10') };

const LOST: PairOutcome = { TCP: { outcome: 'timeout' }, UDP: { outcome: 'timeout' }, ICMP: { outcome: 'timeout' } };
const ANSWERED: Outcome = { outcome: 'answered', answer: { pod: 'x', client: '10.131.2.1', port: 1 }, ms: 1 };
const REACHED: PairOutcome = { TCP: ANSWERED, UDP: ANSWERED, ICMP: { outcome: 'reply', ms: 1 } };

/** As it ought to be, unless told. */
function finding(from: Endpoint, to: Endpoint, but: Partial<PairFinding> = {}): PairFinding {
  const expectation = expect(from, to);
  const isBlocked = expectation.kind === 'blocked';
  return {
    from,
    to,
    expectation,
    outcome: expectation.kind === 'reaches' ? REACHED : LOST,
    counted: isBlocked ? [['tenant-mismatch', 3n]] : [],
    isAsExpected: true,
    ...but,
  };
}

const AS_IT_OUGHT = [
  finding(WEB, DB),
  finding(WEB, OUTSIDE),
  finding(DB, WEB),
  finding(DB, OUTSIDE),
  finding(OUTSIDE, WEB),
  finding(OUTSIDE, DB),
];

test('matrixText() says what is not as it ought to be, in its cell and below', () => {
  const outcome = { ...REACHED, ICMP: LOST.ICMP };
  const text = matrixText([finding(WEB, OUTSIDE, { outcome, isAsExpected: false }), ...AS_IT_OUGHT.slice(2)]);
  assert.match(text[2] ?? '', /^alpha\/web .* TCP\+UDP only \(!\)$/);
  assert.deepEqual(text.slice(-2), [
    'NOT AS EXPECTED: 1 of 3 pairs by TCP, UDP and ICMP',
    '  alpha/web → outside: expected reaches, seen as 10.122.70.72; ' +
      'seen TCP answered by x, which saw 10.131.2.1, UDP answered by x, which saw 10.131.2.1, ICMP timeout',
  ]);
});

test('matrixText() says that nothing was counted where a drop was to be', () => {
  const text = matrixText([finding(WEB, DB, { counted: [], isAsExpected: false }), finding(DB, WEB)]);
  assert.ok(text.includes('alpha/web → beta/db  blocked: no drop counted on n1'), text.join('\n'));
});

test('matrixText() shows who reaches whom, what was counted of the rest, and what that proves', () =>
  assert.deepEqual(matrixText(AS_IT_OUGHT), [
    '          alpha/  beta/',
    'from \\ to web     db      outside',
    'alpha/web -       blocked reaches',
    'beta/db   blocked -       reaches',
    'outside   -       -       -',
    '',
    'alpha/web → beta/db  blocked: 3 × tenant-mismatch counted on n1',
    'beta/db → alpha/web  blocked: 3 × tenant-mismatch counted on n1',
    '',
    'proven with real packets, 4 pairs by TCP, UDP and ICMP: projects reach themselves, the global project and the',
    'outside; they do not reach each other (2 of 2 dropped and counted)',
  ]));
