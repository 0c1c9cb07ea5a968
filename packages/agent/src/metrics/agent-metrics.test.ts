import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { agentError } from '../errors.ts';
import { AgentMetrics } from './agent-metrics.ts';

async function linesOf(use: (metrics: AgentMetrics) => void, name: string): Promise<string[]> {
  const metrics = new AgentMetrics({ clock: { nowMs: () => 5000 } });
  use(metrics);
  const text = await metrics.registry.metrics();
  metrics.registry.clear();
  return text.split('\n').filter((line) => line.startsWith(name) && !line.includes('_bucket'));
}

describe('AgentMetrics', () => {
  test('has the failures of a step as zero once the step has run', async () => {
    const lines = await linesOf((metrics) => metrics.reconciled('flows', 0.25), 'tenet_reconcile_');
    assert.deepEqual(lines, [
      'tenet_reconcile_duration_seconds_sum{step="flows"} 0.25',
      'tenet_reconcile_duration_seconds_count{step="flows"} 1',
      'tenet_reconcile_failures_total{step="flows"} 0',
    ]);
  });

  test('counts a failed step as a pass and as a failure, and remembers why', async () => {
    let why: string | undefined;
    const lines = await linesOf((metrics) => {
      metrics.stepFailed('flows', 0.5, agentError('FLOWS_NOT_INSTALLED', { what: 'this node' }));
      why = metrics.steps.states.get('flows')?.failure?.code;
    }, 'tenet_reconcile_');
    assert.deepEqual(lines.slice(1), [
      'tenet_reconcile_duration_seconds_count{step="flows"} 1',
      'tenet_reconcile_failures_total{step="flows"} 1',
    ]);
    assert.equal(why, 'FLOWS_NOT_INSTALLED');
  });

  test('counts changes by what became of the entries', async () => {
    const lines = await linesOf((metrics) => {
      metrics.changed('flows', { added: 3, removed: 1 });
      metrics.changed('flows', { added: 2, removed: 0 });
    }, 'tenet_reconcile_changes');
    assert.deepEqual(lines, [
      'tenet_reconcile_changes_total{step="flows",change="added"} 5',
      'tenet_reconcile_changes_total{step="flows",change="removed"} 1',
    ]);
  });

  test('makes no time series of a command that a caller made up', async () => {
    const lines = await linesOf((metrics) => {
      metrics.cniCall({ command: 'ADD', code: 11, seconds: 0.1 });
      metrics.cniCall({ command: 'x"} 1', code: 4, seconds: 0.1 });
    }, 'tenet_cni_calls');
    assert.deepEqual(lines, [
      'tenet_cni_calls_total{command="ADD",code="11"} 1',
      'tenet_cni_calls_total{command="other",code="4"} 1',
    ]);
  });

  test('shows the totals of guards as they are, however often', async () => {
    const lines = await linesOf((metrics) => {
      metrics.guarded([{ guard: 'outside-to-pod', packets: 4 }]);
      metrics.guarded([
        { guard: 'outside-to-pod', packets: 9 },
        { guard: 'pod-as-tunnel', packets: 0 },
      ]);
    }, 'tenet_guard_drops');
    assert.deepEqual(lines, [
      'tenet_guard_drops_total{guard="outside-to-pod"} 9',
      'tenet_guard_drops_total{guard="pod-as-tunnel"} 0',
    ]);
  });

  test('shows the totals of drops as they are, however often', async () => {
    const lines = await linesOf((metrics) => {
      metrics.dropped(new Map([['vlan', 4n]]));
      metrics.dropped(
        new Map([
          ['vlan', 9n],
          ['ipv6', 1n],
        ]),
      );
    }, 'tenet_drops');
    assert.deepEqual(lines, [
      'tenet_drops_total{class="vlan",alarming="true"} 9',
      'tenet_drops_total{class="ipv6",alarming="false"} 1',
    ]);
  });
});
