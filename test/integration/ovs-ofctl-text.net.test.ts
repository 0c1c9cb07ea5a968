/**
 * Our flow text and our wire against the tool itself: what `formatFlow` writes is what `ovs-ofctl` takes and prints
 * again, `parseFlow` reads all of it, and a flow that our own session sends is printed as that flow, in every version
 * of OpenFlow that we speak.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import {
  type Action,
  addFlow,
  deleteFlows,
  FIELDS,
  type Flow,
  flowKey,
  formatFlow,
  matchKey,
  OPENFLOW_13,
  OPENFLOW_14,
  OPENFLOW_15,
  parseFlow,
  parseFlowDump,
  wireForm,
} from '@tenet/openflow';
import { connectSwitch } from '@tenet/openflow/connection';
import fc from 'fast-check';
import { arbitraryFlow } from '../../packages/openflow/testing/arbitrary-flow.ts';
import { privateOvs } from './private-ovs.ts';

const VERSIONS = ['OpenFlow13', 'OpenFlow14', 'OpenFlow15'] as const;
type Version = (typeof VERSIONS)[number];
const WIRE_VERSIONS = { OpenFlow13: OPENFLOW_13, OpenFlow14: OPENFLOW_14, OpenFlow15: OPENFLOW_15 } as const;

const GOLDEN = ['pipeline-node1.flows', 'pipeline-node2.flows', 'openshift-sdn.flows'] as const;
const TESTING = new URL('../../packages/openflow/testing/', import.meta.url);

const GROUPS = [1, 7, 37];
const METERS = [1, 9];
const SEND_FLOW_REM = 1;
const NO_COUNTS = 8 | 16;

test('ovs-ofctl takes our flow text and prints it again', { timeout: 120_000 }, async (t) => {
  await using ovs = await privateOvs({ bridges: ['br0'] });
  const mgmt = `unix:${ovs.mgmt('br0')}`;

  async function ofctl(version: Version, ...args: readonly string[]): Promise<string> {
    const run = promisify(execFile);
    return (await run('ovs-ofctl', ['-O', version, ...args], { timeout: 60_000, maxBuffer: 2 ** 26 })).stdout;
  }

  /** Puts these flows and no others into the switch, by their text. */
  async function replace(flows: readonly Flow[]): Promise<void> {
    const file = join(ovs.directory, 'flows.txt');
    await writeFile(file, flows.map((flow) => `${formatFlow(flow)}\n`).join(''));
    await ofctl('OpenFlow14', 'del-flows', mgmt);
    await ofctl('OpenFlow14', 'add-flows', mgmt, file);
  }

  /** The lines of a dump, each of which must be ours again, letter by letter, and what they say. */
  async function dump(version: Version): Promise<readonly Flow[]> {
    const text = await ofctl(version, 'dump-flows', '--no-stats', mgmt);
    return parseFlowDump(text).flows.map(({ text: line, flow, error }) => {
      if (flow === undefined) throw error;
      assert.equal(formatFlow(flow), withoutFullMasks(line), version);
      return flow;
    });
  }

  for (const group of GROUPS)
    await ofctl('OpenFlow14', 'add-group', mgmt, `group_id=${group},type=all,bucket=output:1`);
  for (const meter of METERS)
    await ofctl('OpenFlow14', 'add-meter', mgmt, `meter=${meter},kbps,band=type=drop,rate=1000`);

  for (const file of GOLDEN) {
    await t.test(`all of ${file}`, () =>
      ovs.explain(async () => {
        const wanted = await golden(file);
        await replace(wanted);
        for (const version of VERSIONS) assert.deepEqual(entries(await dump(version)), entries(wanted), version);
        // These flows use only what 1.4 keeps as it was given: the text is the same too.
        const texts = [...byKey(wanted).values()].map((flow) => formatFlow(flow)).sort();
        const printed = (await dump('OpenFlow14')).map((flow) => formatFlow(flow)).sort();
        assert.deepEqual(printed, texts.map(asKept).sort());
      }),
    );
  }

  await t.test('generated flows with every field and action', () =>
    ovs.explain(async () => {
      const any = arbitraryFlow({ flags: SEND_FLOW_REM | NO_COUNTS, groups: GROUPS, meters: METERS });
      const wanted = fc.sample(any, { numRuns: 1500, seed: 20261122 }).map(lasting);
      await replace(wanted);
      for (const version of VERSIONS) {
        const kept = wanted.map((flow) => (version === 'OpenFlow13' ? withoutImportance(flow) : flow));
        assert.deepEqual(entries(await dump(version)), entries(kept), version);
      }
    }),
  );

  for (const version of VERSIONS) {
    await t.test(`ovs-ofctl prints what our session sends in ${version}`, () =>
      ovs.explain(async () => {
        const wireVersion = WIRE_VERSIONS[version];
        const signal = AbortSignal.timeout(60_000);
        await using connection = await connectSwitch({ path: ovs.mgmt('br0'), signal, version: wireVersion });
        const any = arbitraryFlow({ flags: SEND_FLOW_REM | NO_COUNTS, groups: GROUPS, meters: METERS });
        const generated = fc.sample(any, { numRuns: 1000, seed: 20261122 + wireVersion }).map(lasting);
        for (const wanted of [...(await Promise.all(GOLDEN.map(golden))), generated]) {
          const sent = new Map(wanted.map((flow) => [flowKey(flow), flow]));
          await connection.bundle([deleteFlows(), ...[...sent.values()].map(addFlow)]);
          const printed = new Map((await dump(version)).map((flow) => [flowKey(flow), flow]));
          assert.equal(printed.size, sent.size);
          for (const [key, flow] of sent) assert.deepEqual(printed.get(key), wireForm(flow, wireVersion));
        }
      }),
    );
  }

  await t.test('statistics, ages and names', () =>
    ovs.explain(async () => {
      await replace([parseFlow('table=3,priority=7,in_port=LOCAL,idle_timeout=900,send_flow_rem,ip,actions=NORMAL')]);
      const names = await ofctl('OpenFlow14', '--names', 'dump-flows', '--no-stats', mgmt);
      const { flows: named } = parseFlowDump(names, { ports: new Map([['br0', 0xffff_fffe]]) });
      assert.deepEqual(entries(named.flatMap(({ flow }) => flow ?? [])), entries(await dump('OpenFlow14')));
      for (const version of VERSIONS) {
        const text = await ofctl(version, 'dump-flows', mgmt);
        const { header, flows } = parseFlowDump(text);
        assert.equal(header?.version, `OF1.${version.at(-1)}`);
        assert.deepEqual(
          flows.map(({ flow, error }) => (flow ? ` ${formatFlow(flow, { statistics: true })}` : error)),
          text.trimEnd().split('\n').slice(1),
        );
      }
    }),
  );
});

/** The flows of a golden file. */
async function golden(file: string): Promise<readonly Flow[]> {
  const { flows } = parseFlowDump(await readFile(new URL(file, TESTING), 'utf8'));
  return flows.map(({ flow, error }) => {
    if (flow === undefined) throw error;
    return flow;
  });
}

/** The golden set has one action that a switch keeps in another form: a masked set_field becomes a load. */
function asKept(text: string): string {
  return text.replace('set_field:0a:58:00:00:00:00/ff:ff:00:00:00:00->eth_dst', 'load:0xa58->NXM_OF_ETH_DST[32..47]');
}

/** OpenFlow 1.5 shows a load of a whole field under a mask when the field is narrower than its bytes. We need none. */
function withoutFullMasks(line: string): string {
  return line.replace(/\/(0x3->nw_ecn|0x3f->ip_dscp|0xfffff->(?:ipv6|mpls)_label)/g, (_, full: string) =>
    full.slice(full.indexOf('->')),
  );
}

/** A flow that does not expire during the test. */
function lasting({ idleTimeoutS, hardTimeoutS, ...flow }: Flow): Flow {
  const LONG_S = 1000;
  return {
    ...flow,
    ...(idleTimeoutS === undefined ? {} : { idleTimeoutS: Math.max(idleTimeoutS, LONG_S) }),
    ...(hardTimeoutS === undefined ? {} : { hardTimeoutS: Math.max(hardTimeoutS, LONG_S) }),
  };
}

/** OpenFlow 1.3 has no importance. */
function withoutImportance({ importance: _, ...flow }: Flow): Flow {
  return flow;
}

/** A later flow of the same table, priority and match replaces an earlier one. */
function byKey(flows: readonly Flow[]): ReadonlyMap<string, Flow> {
  return new Map(flows.map((flow) => [`${flow.table} ${flow.priority} ${matchKey(flow.match)}`, flow]));
}

/** What a switch holds, in an order and a form that do not depend on the version that was asked. */
function entries(flows: readonly Flow[]): readonly (readonly [string, Flow])[] {
  return [...byKey(flows)]
    .map(([key, flow]): [string, Flow] => [key, { ...flow, actions: written(flow.actions) }])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Writing a field as the loads that it amounts to: 1.5 knows no load, and 1.3 and 1.4 no masked set_field. */
function written(actions: readonly Action[]): readonly Action[] {
  return actions.flatMap((action): readonly Action[] => {
    if (action.kind === 'clone' || action.kind === 'write_actions') {
      return [{ ...action, actions: written(action.actions) }];
    }
    if (action.kind === 'ct' && action.exec) return [{ ...action, exec: written(action.exec) }];
    const { field, value, mask } = masked(action) ?? {};
    if (field === undefined || value === undefined || mask === undefined) return [action];
    const bits: Action[] = [];
    for (let offset = 0; offset < FIELDS[field].bits; offset++) {
      const at = BigInt(offset);
      if ((mask >> at) & 1n) bits.push({ kind: 'load', value: (value >> at) & 1n, dst: { field, offset, bits: 1 } });
    }
    return bits;
  });
}

function masked(action: Action) {
  if (action.kind === 'load') {
    const { field, offset, bits } = action.dst;
    const shift = BigInt(offset);
    return { field, value: action.value << shift, mask: ((1n << BigInt(bits)) - 1n) << shift };
  }
  if (action.kind !== 'set_field') return undefined;
  const { field, value, mask = (1n << BigInt(FIELDS[field].bits)) - 1n } = action;
  return { field, value, mask };
}
