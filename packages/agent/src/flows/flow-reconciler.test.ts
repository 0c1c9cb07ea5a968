import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Flow, flowKey, parseFlow } from '@tenet/openflow';
import { isTenetError, SILENT } from '@tenet/std';
import { FlowPlan } from './flow-plan.ts';
import { FlowReconciler, type FlowSwitch } from './flow-reconciler.ts';

function flowMap(...lines: string[]): Map<string, Flow> {
  return new Map(lines.map((line) => parseFlow(line)).map((flow) => [flowKey(flow), flow]));
}

/** Each flow with an owner of its own. */
function plan(...lines: string[]): FlowPlan {
  return new FlowPlan([new Set([...flowMap(...lines)].map((keyed) => [keyed]))]);
}

/** A switch that remembers, counts, and fails when told. */
class MemorySwitch implements FlowSwitch {
  flows = new Map<string, Flow>();
  dumps = 0;
  changes: { add: number; remove: number }[] = [];
  failing = false;

  async dumpFlows(): Promise<Flow[]> {
    this.dumps++;
    return [...this.flows.values()];
  }

  async change(add: readonly Flow[], remove: readonly Flow[]): Promise<void> {
    if (this.failing) throw new Error('refused');
    this.changes.push({ add: add.length, remove: remove.length });
    for (const flow of remove) this.flows.delete(flowKey(flow));
    for (const flow of add) this.flows.set(flowKey(flow), flow);
  }
}

const ONE = 'table=0,priority=1,cookie=1,ip,actions=drop';
const TWO = 'table=0,priority=2,cookie=1,arp,actions=output:2';
const STRANGER = 'table=7,priority=9,tcp,actions=NORMAL';

describe('FlowReconciler', () => {
  test('sync() rejects and changes nothing while there is no switch or nothing is known to be desired', async () => {
    const flowSwitch = new MemorySwitch();
    let desired: FlowPlan | undefined = plan(ONE);
    const flows = new FlowReconciler({ desired: () => desired, log: SILENT });
    await assert.rejects(flows.sync(), (error) => isTenetError(error, 'FLOWS_NOT_INSTALLED'));
    desired = undefined;
    flows.attach(flowSwitch);
    await assert.rejects(flows.sync(), (error) => isTenetError(error, 'FLOWS_NOT_INSTALLED'));
    assert.deepEqual(flowSwitch.changes, []);
  });

  test('sync() sends the difference in one change, strangers go, and a second call sends nothing', async () => {
    const flowSwitch = new MemorySwitch();
    flowSwitch.flows = flowMap(ONE, STRANGER);
    const flows = new FlowReconciler({ desired: () => plan(ONE, TWO), log: SILENT });
    flows.attach(flowSwitch);
    await flows.sync();
    await flows.sync();
    assert.deepEqual(flowSwitch.changes, [{ add: 1, remove: 1 }]);
    assert.deepEqual([...flowSwitch.flows.keys()].sort(), [...flowMap(ONE, TWO).keys()].sort());
  });

  test('sync() replaces a flow whose actions or cookie differ', async () => {
    const flowSwitch = new MemorySwitch();
    flowSwitch.flows = flowMap(ONE.replace('drop', 'output:9'), TWO.replace('cookie=1', 'cookie=2'));
    const flows = new FlowReconciler({ desired: () => plan(ONE, TWO), log: SILENT });
    flows.attach(flowSwitch);
    await flows.sync();
    assert.deepEqual(flowSwitch.changes, [{ add: 2, remove: 0 }]);
  });

  test('a hundred calls at once cost two passes, and each sees what its caller saw', async () => {
    const flowSwitch = new MemorySwitch();
    let desired = plan(ONE);
    const flows = new FlowReconciler({ desired: () => desired, log: SILENT });
    flows.attach(flowSwitch);
    const first = flows.sync();
    desired = plan(ONE, TWO);
    await Promise.all([first, ...Array.from({ length: 100 }, () => flows.sync())]);
    assert.ok(flowSwitch.changes.length <= 2);
    assert.equal(flowSwitch.flows.size, 2);
  });

  test('after a failed change the switch is read again, since nobody knows what it did', async () => {
    const flowSwitch = new MemorySwitch();
    const flows = new FlowReconciler({ desired: () => plan(ONE), log: SILENT });
    flows.attach(flowSwitch);
    flowSwitch.failing = true;
    await assert.rejects(flows.sync(), /refused/);
    flowSwitch.failing = false;
    await flows.sync();
    assert.equal(flowSwitch.dumps, 2);
    assert.equal(flowSwitch.flows.size, 1);
  });

  test('a doubt that comes while a pass reads the switch has the next one read it again', async () => {
    const flowSwitch = new MemorySwitch();
    const desired = plan(ONE);
    const flows = new FlowReconciler({ desired: () => desired, log: SILENT });
    flows.attach(flowSwitch);
    const first = flows.sync();
    flows.distrust();
    await first;
    flowSwitch.flows.clear();
    await flows.sync();
    assert.equal(flowSwitch.dumps, 2);
    assert.equal(flowSwitch.flows.size, 1);
  });

  test('sync() asks the switch nothing while neither it nor what is desired has changed', async () => {
    const flowSwitch = new MemorySwitch();
    const desired = plan(ONE);
    const flows = new FlowReconciler({ desired: () => desired, log: SILENT });
    flows.attach(flowSwitch);
    for (let times = 0; times < 3; times++) await flows.sync();
    assert.equal(flowSwitch.dumps, 1);
    flows.distrust();
    await flows.sync();
    assert.deepEqual([flowSwitch.dumps, flowSwitch.changes.length], [2, 1]);
  });

  test('a switch that comes back empty gets everything again', async () => {
    const flows = new FlowReconciler({ desired: () => plan(ONE, TWO), log: SILENT });
    for (const flowSwitch of [new MemorySwitch(), new MemorySwitch()]) {
      flows.attach(flowSwitch);
      await flows.sync();
      assert.equal(flowSwitch.flows.size, 2);
    }
  });
});
