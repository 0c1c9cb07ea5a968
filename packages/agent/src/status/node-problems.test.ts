import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { agentError } from '../errors.ts';
import { nodeProblems, type ProblemFacts } from './node-problems.ts';

type Status = NonNullable<ProblemFacts['status']>;

const WELL: Status = {
  subnet: '10.131.2.0/29',
  openvswitch: {
    version: '3.1.0',
    datapathVersion: null,
    ovsdb: { connected: true },
    vswitchd: { connected: true },
    fragmentMode: 'nx-match',
    bridge: 'br0',
    ports: [
      { name: 'vxlan0', ofPort: 1, expected: 1 },
      { name: 'tun0', ofPort: 2, expected: 2 },
    ],
  },
  iptables: 'nft',
  otherIptablesRules: 0,
  leases: { used: 4, capacity: 5 },
  pods: { wired: 1, withProblem: [] },
  peers: { count: 1, refused: [] },
};

const NOTHING_WRONG: ProblemFacts = {
  waitsFor: undefined,
  status: WELL,
  database: '/run/db.sock',
  bridgeSocket: '/run/br0.mgmt',
  unanswered: undefined,
  steps: new Map(),
  notServed: [],
};

function withSwitch(change: Partial<Status['openvswitch']>): Partial<ProblemFacts> {
  return { status: { ...WELL, openvswitch: { ...WELL.openvswitch, ...change } } };
}

const SILENT_SWITCH = agentError('VSWITCHD_SILENT', { waitedMs: 2000 });
const step = (sentence: string) => ({
  passes: 2,
  failures: 2,
  lastSeconds: 0,
  failure: { sinceMs: 0, sentence, remedy: 'check it', code: 'A_CODE' },
});

describe('nodeProblems()', () => {
  const CASES: { name: string; facts: Partial<ProblemFacts>; codes: (string | null)[]; says: RegExp }[] = [
    {
      name: 'a start that waits',
      facts: { waitsFor: 'the API server', status: undefined },
      codes: ['NODE_STARTING'],
      says: /waits for the API server$/,
    },
    {
      name: 'a database that is gone, and nothing of the ports that it told of before',
      facts: withSwitch({ ovsdb: { connected: false }, ports: [{ name: 'tun0', ofPort: null, expected: 2 }] }),
      codes: ['OPEN_VSWITCH_NOT_READY'],
      says: /not connected at \/run\/db\.sock$/,
    },
    {
      name: 'a switch that is gone, and not that it is silent',
      facts: { ...withSwitch({ vswitchd: { connected: false } }), unanswered: SILENT_SWITCH },
      codes: ['VSWITCHD_NOT_CONNECTED'],
      says: /nobody answers for br0 at \/run\/br0\.mgmt$/,
    },
    {
      name: 'a switch that is silent',
      facts: { unanswered: SILENT_SWITCH },
      codes: ['VSWITCHD_SILENT'],
      says: /within 2000 ms$/,
    },
    {
      name: 'a port that is missing',
      facts: withSwitch({ ports: [{ name: 'vxlan0', ofPort: null, expected: 1 }] }),
      codes: ['PORT_MISSING'],
      says: /br0 has no working port vxlan0/,
    },
    {
      name: 'a port that is misplaced',
      facts: withSwitch({ ports: [{ name: 'vxlan0', ofPort: 77, expected: 1 }] }),
      codes: ['PORT_MISPLACED'],
      says: /port 77 instead of 1/,
    },
    {
      name: 'a fragment mode that lets forged packets pass',
      facts: withSwitch({ fragmentMode: 'normal' }),
      codes: ['FRAGMENT_MODE_WRONG'],
      says: /as normal instead of nx-match/,
    },
    {
      name: 'rules of others in the other variant of iptables',
      facts: { status: { ...WELL, otherIptablesRules: 41 } },
      codes: ['FOREIGN_IPTABLES_RULES'],
      says: /^others have 41 rules in iptables-legacy, .* in iptables-nft$/,
    },
    {
      name: 'a step that fails',
      facts: { steps: new Map([['host rules', step('iptables is busy')]]) },
      codes: ['A_CODE'],
      says: /^host rules: iptables is busy$/,
    },
    {
      name: 'a pod without flows',
      facts: {
        status: {
          ...WELL,
          pods: { wired: 1, withProblem: [{ pod: 'a/b', ip: '10.131.2.2', problem: 'it broke', remedy: 'delete it' }] },
        },
      },
      codes: [null],
      says: /^pod a\/b: it broke$/,
    },
    {
      name: 'a node that is left out',
      facts: { status: { ...WELL, peers: { count: 0, refused: [{ name: 'n2', problem: 'its subnet is ours' }] } } },
      codes: [null],
      says: /^node n2 is left out: its subnet is ours$/,
    },
    {
      name: 'a subnet that is full',
      facts: { status: { ...WELL, leases: { used: 5, capacity: 5 } } },
      codes: ['SUBNET_FULL'],
      says: /5 are leased$/,
    },
    {
      name: 'metrics that are not served, with the cause',
      facts: { notServed: [agentError('METRICS_NOT_SERVED', { address: '127.0.0.1:9101' }, new Error('EADDRINUSE'))] },
      codes: ['METRICS_NOT_SERVED'],
      says: /at 127\.0\.0\.1:9101: EADDRINUSE$/,
    },
  ];
  for (const { name, facts, codes, says } of CASES) {
    test(`finds ${name}`, () => {
      const found = nodeProblems({ ...NOTHING_WRONG, ...facts });
      assert.deepEqual(
        found.map(({ code }) => code),
        codes,
      );
      assert.match(found[0]?.sentence ?? '', says);
      assert.match(found[0]?.remedy ?? '', /^[a-z]+ /);
    });
  }

  test('finds nothing when nothing is wrong', () => assert.deepEqual(nodeProblems(NOTHING_WRONG), []));

  test('names a cause once, with the time since when steps fail for it', () => {
    const facts = withSwitch({ ports: [{ name: 'vxlan0', ofPort: 77, expected: 1 }] });
    const cause = agentError('PORT_MISPLACED', { port: 'vxlan0', ofPort: 77, expected: 1 });
    const failed = (sinceMs: number) => ({
      ...step(cause.message),
      failure: { sinceMs, sentence: cause.message, remedy: cause.remedy, code: cause.code },
    });
    const steps = new Map([
      ['host rules', step('iptables is busy')],
      ['ports of pods', failed(2_000)],
      ['switch objects', failed(1_000)],
    ]);
    assert.deepEqual(
      nodeProblems({ ...NOTHING_WRONG, ...facts, steps }).map(({ sentence, since }) => [sentence, since]),
      [
        [cause.message, '1970-01-01T00:00:01.000Z'],
        ['host rules: iptables is busy', '1970-01-01T00:00:00.000Z'],
      ],
    );
  });

  test('says since when a step fails, and the same sentence once', () => {
    const steps = new Map([['flows', step('lost')]]);
    const twice = [new Error('flows: lost')];
    assert.deepEqual(nodeProblems({ ...NOTHING_WRONG, steps, notServed: twice }), [
      { code: 'A_CODE', sentence: 'flows: lost', remedy: 'check it', since: '1970-01-01T00:00:00.000Z' },
    ]);
  });
});
