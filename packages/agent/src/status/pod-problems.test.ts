import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vnidOf } from '@tenet/model';
import { Ip, Prefix } from '@tenet/std';
import type { WiredPod } from '../wired-pods.ts';
import { type PodSurroundings, podProblems } from './pod-problems.ts';

const WEB: WiredPod = {
  attachment: { containerId: 'c1', ifName: 'eth0' },
  pod: { namespace: 'alpha', name: 'web', uid: '' },
  hostVeth: 'veth1',
  netns: '/run/netns/1',
  ip: Ip.parse('10.131.2.2'),
  ofPort: 3,
};

const SURROUNDINGS: PodSurroundings = {
  subnet: Prefix.parse('10.131.2.0/29'),
  vnidOf: (namespace) => (namespace === 'alpha' ? vnidOf(0x5a2) : undefined),
  errorOf: () => undefined,
};

describe('podProblems()', () => {
  const { ofPort: _, ...withoutPort } = WEB;
  const CASES: { name: string; pod: WiredPod; around?: Partial<PodSurroundings>; says: RegExp }[] = [
    {
      name: 'whose device is gone',
      pod: withoutPort,
      around: { errorOf: () => 'could not open network device veth1 (No such device)' },
      says: /^Open vSwitch cannot use veth1: could not open network device veth1/,
    },
    { name: 'without an OpenFlow port', pod: withoutPort, says: /^veth1 has no OpenFlow port$/ },
    {
      name: 'whose project has no VNID',
      pod: { ...WEB, pod: { ...WEB.pod, namespace: 'nobody' } },
      says: /^project nobody has no VNID$/,
    },
    {
      name: 'outside of the subnet',
      pod: { ...WEB, ip: Ip.parse('10.131.4.2') },
      says: /^10\.131\.4\.2 is outside of 10\.131\.2\.0\/29$/,
    },
    {
      name: 'with the address of the gateway',
      pod: { ...WEB, ip: Ip.parse('10.131.2.1') },
      says: /^10\.131\.2\.1 is outside of/,
    },
  ];
  for (const { name, pod, around, says } of CASES) {
    test(`names a pod ${name}, with a remedy`, () => {
      const [found, ...others] = podProblems([pod], { ...SURROUNDINGS, ...around });
      assert.deepEqual(others, []);
      assert.match(found?.problem ?? '', says);
      assert.match(found?.remedy ?? '', /^(check|delete) /);
      assert.equal(found?.pod, `${pod.pod.namespace}/web`);
    });
  }

  test('names both pods that claim one address', () => {
    const other: WiredPod = { ...WEB, pod: { ...WEB.pod, name: 'db' }, hostVeth: 'veth2', ofPort: 4 };
    const found = podProblems([WEB, other], SURROUNDINGS);
    assert.deepEqual(
      found.map(({ pod, problem }) => `${pod}: ${problem}`),
      ['alpha/web: another pod claims 10.131.2.2 too', 'alpha/db: another pod claims 10.131.2.2 too'],
    );
  });

  test('names no pod that is well', () => assert.deepEqual(podProblems([WEB], SURROUNDINGS), []));
});
