import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '@tenet/kube';
import type { EventObject } from '@tenet/model';
import { ManualClock } from '../../testing/manual-clock.ts';
import { portOf, serviceOf } from '../../testing/service.ts';
import { recordNeedPods } from './record-need-pods.ts';

const ROWS = [
  { portName: 'http', message: 'The service-port web:http needs pods.' },
  { portName: '', message: 'The service-port web:80 needs pods.' },
];
for (const { portName, message } of ROWS)
  test(`recordNeedPods() says "${message}" on the Service, as OpenShift's controller expects it`, async () => {
    const events: EventObject[] = [];
    const client = {
      async create(_kind: string, event: EventObject) {
        events.push(event);
        return event;
      },
    } as unknown as KubeClient;
    const clock = new ManualClock();
    await clock.pass(61_234);
    await recordNeedPods(client, { service: serviceOf({ portName }), port: portOf({ portName }), clock });
    const [{ metadata, ...event } = assert.fail('no event')] = events;
    assert.equal(metadata.namespace, 'alpha');
    assert.deepEqual(event, {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: { apiVersion: 'v1', kind: 'Service', namespace: 'alpha', name: 'web', uid: 'uid-1' },
      type: 'Normal',
      reason: 'NeedPods',
      message,
      count: 1,
      firstTimestamp: '1970-01-01T00:01:01Z',
      lastTimestamp: '1970-01-01T00:01:01Z',
      source: { component: 'kube-proxy' },
    });
  });
