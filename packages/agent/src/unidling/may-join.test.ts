import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '@tenet/kube';
import type { PodObject } from '@tenet/model';
import { Ip } from '@tenet/std';
import { mayJoin } from './may-join.ts';

const VNIDS: Readonly<Record<string, number>> = { alpha: 7, friend: 7, beta: 8, default: 0 };

function pod(namespace: string, { phase = 'Running', hostNetwork = false } = {}): PodObject {
  return { metadata: { name: 'p', namespace }, spec: { hostNetwork, containers: [] }, status: { phase } };
}

const ROWS: readonly { name: string; service: string; pods: readonly PodObject[]; may: boolean }[] = [
  { name: 'nobody', service: 'alpha', pods: [], may: false },
  { name: 'a pod of another project', service: 'alpha', pods: [pod('beta')], may: false },
  { name: 'a pod of a project without VNID', service: 'alpha', pods: [pod('late')], may: false },
  {
    name: 'a pod of the project with the network of its node',
    service: 'alpha',
    pods: [pod('alpha', { hostNetwork: true })],
    may: false,
  },
  {
    name: 'a pod of the project that has ended',
    service: 'alpha',
    pods: [pod('alpha', { phase: 'Succeeded' })],
    may: false,
  },
  { name: 'two pods, one of another project', service: 'alpha', pods: [pod('alpha'), pod('beta')], may: false },
  { name: 'a pod that is not global, while the service is', service: 'default', pods: [pod('alpha')], may: false },
  { name: 'a pod of the project, while the project has no VNID', service: 'late', pods: [pod('late')], may: false },
  { name: 'a pod of the project', service: 'alpha', pods: [pod('alpha')], may: true },
  {
    name: 'a pod of the project, after one of another that failed',
    service: 'alpha',
    pods: [pod('beta', { phase: 'Failed' }), pod('alpha')],
    may: true,
  },
  { name: 'a pod of a project that is joined with it', service: 'alpha', pods: [pod('friend')], may: true },
  { name: 'a pod of a global project', service: 'alpha', pods: [pod('default')], may: true },
  { name: 'a global pod, and the service is global too', service: 'default', pods: [pod('default')], may: true },
];
for (const { name, service, pods, may } of ROWS)
  test(`mayJoin() is ${may} when the address is that of ${name}`, async () => {
    const selectors: unknown[] = [];
    const list = async (_kind: string, options: { fieldSelector?: string }) => {
      selectors.push(options.fieldSelector);
      return { items: pods, resourceVersion: '1' };
    };
    const client = { list } as unknown as Pick<KubeClient, 'list'>;
    const options = {
      client,
      vnidOf: (each: string) => VNIDS[each],
      namespace: service,
      signal: new AbortController().signal,
    };
    assert.equal(await mayJoin(Ip.parse('10.131.2.5'), options), may);
    assert.deepEqual(selectors, service === 'late' ? [] : ['status.podIP=10.131.2.5']);
  });
