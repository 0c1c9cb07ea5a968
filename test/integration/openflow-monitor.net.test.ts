/** The flow monitor against a real Open vSwitch: what others do is told, what the session itself does is not. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  addFlow,
  addGroup,
  type BundledMessage,
  deleteFlow,
  deleteFlows,
  deleteGroup,
  type Flow,
  formatFlow,
  type Group,
  OPENFLOW_13,
  OPENFLOW_14,
  OPENFLOW_15,
  type Version,
} from '@tenet/openflow';
import { connectSwitch, type ForeignChange, type SwitchConnection } from '@tenet/openflow/connection';
import { type PrivateOvs, privateOvs } from './private-ovs.ts';

const MANY = 50_000;
const abort = new AbortController();
let ovs: PrivateOvs;

before(async () => {
  ovs = await privateOvs({ bridges: ['br0'] });
});
after(async () => {
  abort.abort();
  await ovs[Symbol.asyncDispose]();
});

function connect(version: Version = OPENFLOW_14): Promise<SwitchConnection> {
  return connectSwitch({ path: ovs.mgmt('br0'), signal: abort.signal, version });
}

/** An empty bridge, a session whose flows are monitored, another session, and what the monitor has told. */
async function monitored(version: Version = OPENFLOW_14) {
  await using undo = new AsyncDisposableStack();
  const other = undo.use(await connect());
  await other.bundle([deleteFlows()]);
  await other.bundle([deleteGroup()]);
  const session = undo.use(await connect(version));
  const told: ForeignChange[] = [];
  const monitor = await session.monitorFlows((changes) => told.push(...changes));
  const owned = undo.move();
  return { session, other, told, monitor, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const FLOW: Flow = { table: 3, priority: 7, cookie: 0x99n, match: { reg0: { value: 1n } }, actions: [] };
const OTHER: Flow = { ...FLOW, priority: 8, cookie: 0x98n };
const TO_GROUP: Flow = { ...FLOW, actions: [{ kind: 'group', group: 1 }] };
const GROUP: Group = { id: 1, type: 'all', buckets: [] };
const nameOf = ({ table, priority, cookie }: Flow) => ({ table, priority, cookie });

test('monitorFlows() is refused before anything is sent when the session speaks OpenFlow 1.3', async () => {
  await using session = await connect(OPENFLOW_13);
  await assert.rejects(
    session.monitorFlows(() => {}),
    { code: 'OPENFLOW_MONITOR_UNSUPPORTED' },
  );
});

for (const version of [OPENFLOW_14, OPENFLOW_15] as const) {
  describe(`OpenFlow wire version ${version}`, () => {
    // biome-ignore format: one row per line
    const OWN: readonly (readonly [what: string, changes: readonly BundledMessage[]])[] = [
      ['adds',                        [addFlow(FLOW), addFlow(OTHER)]],
      ['the same adds again',         [addFlow(FLOW), addFlow(OTHER)]],
      ['a replacement and a removal', [addFlow({ ...FLOW, cookie: 5n, actions: [{ kind: 'output', port: 1 }] }), deleteFlow(OTHER)]],
      ['a group and a flow to it',    [addGroup(GROUP), addFlow(TO_GROUP)]],
      ['the flow, then the group',    [deleteFlow(TO_GROUP), deleteGroup(GROUP.id)]],
      [`${MANY} adds`,                 manyFlows().map(addFlow)],
      ['a removal of all',            [deleteFlows()]],
    ];

    test('monitorFlows() tells nothing of the bundles of its own session', () =>
      ovs.explain(async () => {
        await using it = await monitored(version);
        for (const [what, changes] of OWN) {
          await it.session.bundle(changes);
          await it.session.barrier();
          assert.deepEqual(it.told, [], what);
        }
        await it.session.apply(addFlow(FLOW));
        assert.deepEqual(it.told, []);
      }));

    test('monitorFlows() tells what another session adds, changes and removes, by table, priority and cookie', () =>
      ovs.explain(async () => {
        await using it = await monitored(version);
        await it.other.bundle([addFlow(FLOW), addFlow(OTHER), deleteFlow(FLOW)]);
        await it.other.apply({ kind: 'flow_mod', command: 'modify_strict', flow: { ...OTHER, actions: TO_PORT } });
        await it.other.apply(addFlow({ ...OTHER, cookie: 5n }));
        await eventually(() => assert.equal(it.told.length, 5));
        assert.deepEqual(it.told, [
          { event: 'added', ...nameOf(FLOW) },
          { event: 'added', ...nameOf(OTHER) },
          { event: 'removed', ...nameOf(FLOW), reason: 'delete' },
          { event: 'modified', ...nameOf(OTHER) },
          { event: 'added', ...nameOf(OTHER), cookie: 5n },
        ]);
      }));
  });
}

test('monitorFlows() tells what ovs-ofctl does, and in which table', () =>
  ovs.explain(async () => {
    await using it = await monitored();
    const file = join(ovs.directory, 'flows.txt');
    await writeFile(file, `${formatFlow(OTHER)}\n`);
    const path = ovs.mgmt('br0');
    const commands: readonly (readonly [args: readonly string[], told: readonly object[]])[] = [
      [['add-flow', path, 'table=9,tcp,actions=drop'], [{ event: 'added', table: 9 }]],
      [['mod-flows', path, 'table=9,tcp,actions=NORMAL'], [{ event: 'modified', table: 9 }]],
      [
        ['replace-flows', path, file],
        [
          { event: 'added', table: OTHER.table },
          { event: 'removed', table: 9, reason: 'delete' },
        ],
      ],
      [['del-flows', path], [{ event: 'removed', table: OTHER.table, reason: 'delete' }]],
    ];
    for (const [args, told] of commands) {
      it.told.length = 0;
      await promisify(execFile)('ovs-ofctl', ['-OOpenFlow14', ...args]);
      await eventually(() => {
        assert.equal(it.told.length, told.length);
        const byTable = it.told.toSorted((a, b) => tableOf(a) - tableOf(b));
        for (const [at, change] of told.entries()) assert.partialDeepStrictEqual(byTable[at], change);
      });
    }
  }));

test('monitorFlows() tells that flows of its own session timed out', async () => {
  await using it = await monitored();
  await it.session.bundle([addFlow({ ...FLOW, hardTimeoutS: 1 }), addFlow({ ...OTHER, idleTimeoutS: 1 })]);
  await eventually(() => assert.equal(it.told.length, 2));
  assert.deepEqual(
    it.told.toSorted((a, b) => ('reason' in a && 'reason' in b ? `${a.reason}`.localeCompare(`${b.reason}`) : 0)),
    [
      { event: 'removed', ...nameOf(FLOW), reason: 'hard timeout' },
      { event: 'removed', ...nameOf(OTHER), reason: 'idle timeout' },
    ],
  );
});

for (const whose of ['session', 'other'] as const) {
  test(`monitorFlows() tells of flows that went with their group when the ${whose} removed that`, async () => {
    await using it = await monitored();
    await it.session.bundle([addGroup(GROUP), addFlow(TO_GROUP)]);
    assert.deepEqual(it.told, []);
    await it[whose].apply(deleteGroup(GROUP.id));
    await eventually(() =>
      assert.deepEqual(it.told, [{ event: 'removed', ...nameOf(TO_GROUP), reason: 'group delete' }]),
    );
  });
}

test(`monitorFlows() tells all of ${MANY} changes of another session, pauses or not, and then what comes next`, () =>
  ovs.explain(async () => {
    await using it = await monitored();
    await it.other.bundle(manyFlows().map(addFlow));
    const told = (wanted: ForeignChange['event']) => it.told.filter(({ event }) => event === wanted).length;
    await eventually(() => {
      assert.deepEqual([told('added'), told('paused')], [MANY, told('resumed')]);
    });
    await it.session.bundle([deleteFlows()]);
    await it.session.barrier();
    it.told.length = 0;
    await it.other.apply(addFlow(FLOW));
    await eventually(() => assert.deepEqual(it.told, [{ event: 'added', ...nameOf(FLOW) }]));
  }));

test('a monitor that was disposed tells nothing, and another can follow it', async () => {
  await using it = await monitored();
  await it.monitor[Symbol.asyncDispose]();
  await it.other.apply(addFlow(FLOW));
  await it.session.barrier();
  assert.deepEqual(it.told, []);
  await using _again = await it.session.monitorFlows((changes) => it.told.push(...changes));
  await it.other.apply(addFlow(OTHER));
  await eventually(() => assert.deepEqual(it.told, [{ event: 'added', ...nameOf(OTHER) }]));
});

function tableOf(change: ForeignChange): number {
  return 'table' in change ? change.table : -1;
}

const TO_PORT = [{ kind: 'output', port: 1 }] as const;

function manyFlows(): Flow[] {
  return Array.from({ length: MANY }, (_, at) => ({ ...FLOW, match: { reg0: { value: BigInt(at) } } }));
}

/** Tries until it holds; the last failure is the test's. */
async function eventually(claim: () => void, deadlineMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + deadlineMs; ; await pause(10)) {
    try {
      claim();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
