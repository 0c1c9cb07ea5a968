import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../probe/outcome.ts';
import type { ServiceWalk } from '../walk/service-walk.ts';
import { serviceWalkText } from './service-walk-text.ts';

const ANSWERED: Outcome = {
  outcome: 'answered',
  answer: { pod: 'logging/es-1', client: '10.131.2.1', port: 9200 },
  ms: 1,
};
const WALK: ServiceWalk = {
  node: 'n1',
  service: 'logging/es',
  to: '172.30.229.30:9200',
  route: '172.30.0.0/16 dev tun0',
  translation: {
    by: 'iptables',
    steps: [
      { at: 'KUBE-SERVICES', says: '-d 172.30.229.30/32 -j KUBE-SVC-A', packets: { before: 9n, after: 10n } },
      { at: 'KUBE-SEP-B', says: '-j DNAT', packets: { before: 0n, after: 1n } },
    ],
  },
  flows: [{ at: 'table 0', says: 'ip,in_port=2 actions=resubmit(,30)', packets: { before: 0n, after: 5n } }],
  outcome: ANSWERED,
  isAsExpected: true,
};

test('serviceWalkText() says what is not as it ought to be, and what came instead', () => {
  const text = serviceWalkText({ ...WALK, outcome: { outcome: 'timeout' }, isAsExpected: false });
  assert.deepEqual(text.slice(-2), [
    '  answer    timeout',
    'NOT AS EXPECTED: the pod behind the service answers, and each step counts the request',
  ]);
});

test('serviceWalkText() shows the steps above each other, with their counts', () =>
  assert.deepEqual(serviceWalkText(WALK), [
    'a request from n1 to logging/es, 172.30.229.30:9200 (packets before → after):',
    '  route     172.30.0.0/16 dev tun0',
    '  iptables',
    '    KUBE-SERVICES  9 → 10  -d 172.30.229.30/32 -j KUBE-SVC-A',
    '    KUBE-SEP-B     0 → 1   -j DNAT',
    '  br0',
    '    table 0  0 → 5  ip,in_port=2 actions=resubmit(,30)',
    '  answer    answered by logging/es-1, which saw 10.131.2.1',
  ]));

test('serviceWalkText() shows map lookups, which count nothing, and says so when there is nothing', () => {
  const steps = [{ at: 'services', says: '172.30.229.30 . tcp . 9200 : goto pick-1' }];
  const text = serviceWalkText({ ...WALK, flows: [], translation: { by: 'nftables', steps } });
  assert.deepEqual(text.slice(2, 5), [
    '  nftables',
    '    services  172.30.229.30 . tcp . 9200 : goto pick-1',
    '  br0       nothing',
  ]);
});
