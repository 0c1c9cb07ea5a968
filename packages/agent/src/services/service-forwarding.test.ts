import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WatchCache } from '@tenet/kube';
import { ARTICLE_NODE } from '@tenet/pipeline';
import { SILENT } from '@tenet/std';
import { ManualClock, settled } from '../../testing/manual-clock.ts';
import { parseAgentConfig } from '../config.ts';
import { AgentMetrics } from '../metrics/agent-metrics.ts';
import { Steps } from '../steps.ts';
import { ServiceForwarding } from './service-forwarding.ts';

/** A cache whose first list is there, or never comes. */
function cache<T>(isSynced: boolean): WatchCache<T> {
  return {
    synced: isSynced ? Promise.resolve() : new Promise(() => {}),
    isSynced,
    get: () => undefined,
    entries: new Map(),
    onChange: () => ({ [Symbol.dispose]() {} }),
    ended: Promise.resolve(),
  };
}

const KINDS = ['services', 'endpointSlices', 'ownNode', 'netNamespaces'] as const;

describe('ServiceForwarding', () => {
  for (const missing of KINDS)
    test(`touches no rule, and is not ready, while ${missing} have not been listed`, async () => {
      const clock = new ManualClock();
      const metrics = new AgentMetrics({ clock });
      const { signal } = new AbortController();
      let turns = 0;
      await using forwarding = new ServiceForwarding({
        config: parseAgentConfig('nodeName: dt-infra1', 'test'),
        node: ARTICLE_NODE.node,
        cluster: {
          services: cache(missing !== 'services'),
          endpointSlices: cache(missing !== 'endpointSlices'),
          ownNode: cache(missing !== 'ownNode'),
          netNamespaces: cache(missing !== 'netNamespaces'),
        },
        client: {
          list: async () => {
            throw new Error('there was no endpoint to ask for');
          },
        },
        rules: {
          variant: 'nft',
          look: () => new Set(),
          onRead: () => ({ [Symbol.dispose]() {} }),
          turn: async () => {
            turns += 1;
            throw new Error('nobody was to read or write');
          },
          glance: async () => {
            turns += 1;
          },
        },
        flows: { synced: async () => {}, heardOfServices() {} },
        localAddresses: () => [],
        steps: new Steps({ log: SILENT, signal, metrics }),
        metrics,
        log: SILENT,
        clock,
        random: () => 0,
        signal,
      });
      forwarding.start();
      await clock.pass(60_000);
      await settled();
      assert.equal(turns, 0);
      const { unready, problem, lastSyncMs } = forwarding.look();
      assert.deepEqual(
        [unready?.code, problem?.code, lastSyncMs],
        ['SERVICES_NOT_HEARD', 'SERVICES_NOT_HEARD', undefined],
      );
      assert.equal(forwarding.isForwarded('alpha/web'), false);
    });
});
