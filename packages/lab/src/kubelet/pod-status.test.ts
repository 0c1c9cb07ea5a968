import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodObject } from '@tenet/model';
import { isPodReady, podStatus, statusPatch } from './pod-status.ts';

const POD: PodObject = { metadata: { name: 'web', namespace: 'alpha' }, spec: { nodeName: 'n', containers: [] } };
const WIRED = { hostIp: '10.122.70.72', podIp: '10.131.2.2' };
const [THEN, NOW] = ['2026-11-22T10:00:00.000Z', '2026-11-22T11:00:00.000Z'];

/** The pod after the API server has merged a patch into it. */
function after(pod: PodObject, patch: object | undefined): PodObject {
  const merged = { ...pod.status, ...(patch as { status?: object } | undefined)?.status };
  return { ...pod, status: Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)) };
}

test('podStatus() is Pending with the reason when the plugin failed', () => {
  const failure = { reason: 'FailedCreatePodSandBox', message: 'CNI ADD failed' };
  const status = podStatus(POD, { hostIp: '10.122.70.72', failure });
  assert.deepEqual(
    [status.phase, status.reason, status.message, status.podIP],
    ['Pending', ...Object.values(failure), undefined],
  );
  assert.equal(isPodReady({ ...POD, status }), false);
});

test('podStatus() is Running and ready when the pod is wired', () => {
  const status = podStatus(POD, WIRED);
  assert.deepEqual([status.phase, status.podIP, status.podIPs], ['Running', '10.131.2.2', [{ ip: '10.131.2.2' }]]);
  assert.equal(isPodReady({ ...POD, status }), true);
});

test('podStatus() is unready when the label says so', () => {
  const pod = { ...POD, metadata: { ...POD.metadata, labels: { 'tenet.io/lab-ready': 'false' } } };
  assert.equal(isPodReady({ ...pod, status: podStatus(pod, WIRED) }), false);
});

test('statusPatch() is undefined when the API has it already', () => {
  const pod = after(POD, statusPatch(undefined, podStatus(POD, WIRED), THEN));
  assert.equal(statusPatch(pod.status, podStatus(pod, WIRED), NOW), undefined);
});

test('statusPatch() removes the reason of a failure that is over', () => {
  const failed = podStatus(POD, { hostIp: '10.122.70.72', failure: { reason: 'r', message: 'm' } });
  const pod = after(POD, statusPatch(undefined, failed, THEN));
  const wired = after(pod, statusPatch(pod.status, podStatus(pod, WIRED), NOW));
  assert.deepEqual(
    [wired.status?.reason, wired.status?.message, wired.status?.phase],
    [undefined, undefined, 'Running'],
  );
});

test('statusPatch() dates only the conditions whose status has changed', () => {
  const failed = podStatus(POD, { hostIp: '10.122.70.72', failure: { reason: 'r', message: 'm' } });
  const pod = after(POD, statusPatch(undefined, failed, THEN));
  const wired = after(pod, statusPatch(pod.status, podStatus(pod, WIRED), NOW));
  const dates = wired.status?.conditions?.map((condition) => [
    condition.type,
    (condition as { lastTransitionTime?: string }).lastTransitionTime,
  ]);
  assert.deepEqual(dates, [
    ['PodScheduled', THEN],
    ['Initialized', THEN],
    ['ContainersReady', NOW],
    ['Ready', NOW],
  ]);
});
