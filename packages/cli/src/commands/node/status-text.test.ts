import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NodeStatus } from '@tenet/agent/status';
import { statusText } from './status-text.ts';

const NOW = '2026-11-22T12:00:00.000Z';

const SERVICES: NonNullable<NodeStatus['services']> = {
  backEnd: 'iptables',
  services: 3,
  ports: 4,
  endpoints: 8,
  pending: 0,
  lastSync: '2026-11-22T11:59:59.500Z',
  ready: true,
};

const READY: NodeStatus = {
  node: 'dt-infra1',
  version: '0.1.0',
  state: 'ready',
  startedAt: '2026-11-20T09:30:00.000Z',
  datapath: 'netdev',
  ip: '10.122.70.72',
  subnet: '10.131.2.0/23',
  openvswitch: {
    version: '3.1.0',
    datapathVersion: '<built-in>',
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
  services: SERVICES,
  leases: { used: 12, capacity: 509 },
  pods: { wired: 12, withProblem: [] },
  peers: { count: 1, refused: [] },
  flows: [
    { kind: 'static', installed: 62, desired: 62 },
    { kind: 'pod', installed: 72, desired: 72 },
    { kind: 'service', installed: 0, desired: 0 },
    { kind: 'drop', installed: 40, desired: 40 },
    { kind: 'stranger', installed: 0, desired: 0 },
  ],
  drops: [
    { class: 'vlan', packets: 0, means: 'it carries a VLAN tag, which no pod may send', alarming: true },
    { class: 'spoofed-ip', packets: 7, means: 'a pod sent IP with another source', alarming: true },
    { class: 'tenant-mismatch', packets: 1240, means: 'source and destination differ', alarming: false },
  ],
  guards: [
    { guard: 'outside-to-pod', packets: 0, means: 'only through a service' },
    { guard: 'pod-as-tunnel', packets: 0, means: 'no pod speaks as a tunnel' },
  ],
  reconcile: {
    lastPass: { at: '2026-11-22T11:59:58.800Z', seconds: 0.0083 },
    lastChange: { at: '2026-11-22T11:58:30.000Z', step: 'flows', added: 6, removed: 0, changed: 0 },
    steps: [],
  },
  problems: [],
};

describe('statusText()', () => {
  test('says everything of a node that is well on one screen, and that nothing is wrong', () => {
    assert.deepEqual(statusText(READY, Date.parse(NOW)), [
      'node          dt-infra1: ready, tenet 0.1.0, started 2 d 2 h ago',
      'network       10.122.70.72 with 10.131.2.0/23, datapath netdev',
      'Open vSwitch  3.1.0, datapath <built-in>',
      'connections   ovsdb-server connected, ovs-vswitchd connected',
      'br0           vxlan0 is port 1, tun0 is port 2, fragments nx-match',
      'iptables      nft',
      'services      4 ports with 8 endpoints in iptables, synced 0.5 s ago',
      'pods          12 wired',
      'leases        12 of 509',
      'peers         1',
      'compared      1.2 s ago, took 8.3 ms',
      'changed       1 min 30 s ago: flows, 6 added',
      '',
      'FLOWS   INSTALLED  DESIRED',
      'static  62         62',
      'pod     72         72',
      'drop    40         40',
      '',
      'DROPS            PACKETS',
      'spoofed-ip !     7        a pod sent IP with another source',
      'tenant-mismatch  1240     source and destination differ',
      '',
      'WRONG  nothing',
    ]);
  });

  test('says what is not known and what is wrong, each with its remedy, when the switch is gone', () => {
    const gone: NodeStatus = {
      ...READY,
      state: 'degraded',
      openvswitch: {
        ...READY.openvswitch,
        version: null,
        vswitchd: { connected: false },
        fragmentMode: null,
        ports: [
          { name: 'vxlan0', ofPort: 77, expected: 1 },
          { name: 'tun0', ofPort: null, expected: 2 },
        ],
      },
      services: { ...SERVICES, pending: 7, ready: false, lastSync: '2026-11-22T11:59:30.000Z' },
      pods: { wired: 1, withProblem: [{ pod: 'a/b', ip: '10.131.2.4', problem: 'p', remedy: 'r' }] },
      peers: { count: 0, refused: [{ name: 'n2', problem: 'p' }] },
      flows: [{ kind: 'static', installed: null, desired: 62 }],
      drops: [],
      reconcile: { lastPass: null, lastChange: null, steps: [] },
      problems: [
        { code: 'VSWITCHD_NOT_CONNECTED', sentence: 'nobody answers for br0', remedy: 'check it', since: null },
        { code: null, sentence: 'flows: lost', remedy: 'wait', since: '2026-11-22T11:59:15.000Z' },
      ],
    };
    assert.deepEqual(statusText(gone, Date.parse(NOW)).slice(2), [
      'Open vSwitch  -, datapath <built-in>',
      'connections   ovsdb-server connected, ovs-vswitchd NOT connected',
      'br0           vxlan0 is port 77 instead of 1, tun0 missing, fragments -',
      'iptables      nft',
      'services      NOT ready, 4 ports with 8 endpoints in iptables, synced 30 s ago, 7 changes pending',
      'pods          1 wired, 1 with a problem',
      'leases        12 of 509',
      'peers         0, 1 left out',
      'compared      never',
      'changed       nothing',
      '',
      'FLOWS   INSTALLED  DESIRED',
      'static  -          62',
      '',
      'DROPS  none since the daemon started',
      '',
      'WRONG',
      '  nobody answers for br0',
      '    check it',
      '  flows: lost (since 45 s)',
      '    wait',
    ]);
  });

  test('says that services are forwarded by another, or have never been in the kernel', () => {
    const lineOf = (services: NodeStatus['services']) =>
      statusText({ ...READY, services }, Date.parse(NOW)).find((line) => line.startsWith('services'));
    assert.equal(lineOf(null), 'services      not forwarded by this daemon');
    const never = { ...SERVICES, backEnd: 'nftables', ready: false, lastSync: null, ports: 0, endpoints: 0 } as const;
    assert.equal(lineOf(never), 'services      NOT ready, 0 ports with 0 endpoints in nftables, never synced');
  });

  test("has a part about the host's guards when one of them has dropped something", () => {
    const guards = READY.guards.map((each) => ({ ...each, packets: each.guard === 'pod-as-tunnel' ? 12 : 0 }));
    const lines = statusText({ ...READY, guards }, Date.parse(NOW));
    assert.deepEqual(lines.slice(lines.findIndex((line) => line.startsWith('GUARDS'))), [
      'GUARDS         PACKETS',
      'pod-as-tunnel  12       no pod speaks as a tunnel',
      '',
      'WRONG  nothing',
    ]);
  });

  const AGES = [
    { started: '2026-11-22T12:00:05.000Z', says: '0.0 s' },
    { started: '2026-11-22T11:59:01.000Z', says: '59 s' },
    { started: '2026-11-22T11:59:00.000Z', says: '1 min 0 s' },
    { started: '2026-11-22T09:15:00.000Z', says: '2 h 45 min' },
  ];
  for (const { started, says } of AGES) {
    test(`says ${says} ago for ${started}`, () => {
      const [line = ''] = statusText({ ...READY, startedAt: started }, Date.parse(NOW));
      assert.ok(line.endsWith(`started ${says} ago`), line);
    });
  }
});
