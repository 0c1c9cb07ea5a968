import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { formatFlow } from './format-flow.ts';
import { parseFlow } from './parse-flow.ts';
import { parseFlowDump } from './parse-flow-dump.ts';

test('parseFlowDump() keeps the place of a line that it cannot read', () => {
  const { header, flows } = parseFlowDump(
    'NXST_FLOW reply (xid=0x4):\n cookie=0x0, duration=1s, table=0, n_packets=0, n_bytes=0, actions=drop\n' +
      '\n table=1, nsh_spi=5 actions=drop\n table=2, ip actions=learn(table=1)\n table=3, ip actions=NORMAL\n',
  );
  assert.deepEqual(header, { text: 'NXST_FLOW reply (xid=0x4):' });
  assert.deepEqual(
    flows.map(({ line, flow, error }) => [line, flow?.table ?? error?.code]),
    [
      [2, 0],
      [4, 'FLOW_FIELD_UNKNOWN'],
      [5, 'FLOW_ACTION_UNKNOWN'],
      [6, 3],
    ],
  );
  assert.equal(flows[1]?.text, 'table=1, nsh_spi=5 actions=drop');
});

// biome-ignore format: columns are the documentation
const HEADERS = [
  { text: '', header: undefined },
  { text: 'NXST_FLOW reply (xid=0x4):', header: { text: 'NXST_FLOW reply (xid=0x4):' } },
  { text: 'OFPST_FLOW reply (OF1.3) (xid=0x2):\r', header: { text: 'OFPST_FLOW reply (OF1.3) (xid=0x2):', version: 'OF1.3' } },
  { text: 'OFPST_FLOW reply (OF1.5) (xid=0x2): flags=[more]', header: { text: 'OFPST_FLOW reply (OF1.5) (xid=0x2): flags=[more]', version: 'OF1.5' } },
];
for (const { text, header } of HEADERS) {
  test(`parseFlowDump() reads the header ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseFlowDump(text), header === undefined ? { flows: [] } : { header, flows: [] });
  });
}

const NODE3 = new URL('../../../../test/fixtures/openshift-sdn-multitenant/nodes/node3/', import.meta.url);

test('parseFlowDump() reads the dump of a real openshift-sdn node, and formatFlow() prints every line again', () => {
  const text = readFileSync(new URL('dump-flows.txt', NODE3), 'utf8');
  const { header, flows } = parseFlowDump(text);
  assert.equal(header?.version, 'OF1.3');
  assert.equal(flows.length, 101);
  const printed = flows.map(({ flow, error }) => (flow ? ` ${formatFlow(flow, { statistics: true })}` : error));
  assert.deepEqual(printed, text.trimEnd().split('\n').slice(1));
});

test('parseFlowDump() reads the same flows from a dump with port names', () => {
  const names = [...readFileSync(new URL('dump-ports-desc.txt', NODE3), 'utf8').matchAll(/^ (\d+)\((\S+)\):/gm)].map(
    ([, port, name]) => [String(name), Number(port)] as const,
  );
  const named = readFileSync(new URL('dump-flows-names.txt', NODE3), 'utf8');
  const { flows } = parseFlowDump(named, { ports: new Map(names) });
  const counted = parseFlowDump(readFileSync(new URL('dump-flows.txt', NODE3), 'utf8')).flows;
  const bare = counted.map(({ flow }) => {
    const { stats: _, cookie: __, ...rest } = flow ?? parseFlow('actions=drop');
    return rest;
  });
  assert.deepEqual(
    flows.map(({ flow, error }) => {
      assert.equal(error, undefined);
      const { cookie: _, ...rest } = flow ?? parseFlow('actions=drop');
      return rest;
    }),
    bare,
  );
  const portNames = new Map(names.map(([name, port]) => [port, name]));
  assert.deepEqual(
    flows.map(({ flow }) => flow && ` ${formatFlow(flow, { portNames })}`),
    named.trimEnd().split('\n'),
  );
});

const TESTING = new URL('../../testing/', import.meta.url);

// biome-ignore format: columns are the documentation
const GOLDEN = [
  { file: 'pipeline-node1.flows',  flows: 163 },
  { file: 'pipeline-node2.flows',  flows: 163 },
  { file: 'openshift-sdn.flows',   flows: 77 },
];
for (const { file, flows } of GOLDEN) {
  test(`parseFlowDump() reads every flow of ${file}, and its printed form as the same flow`, () => {
    const dump = parseFlowDump(readFileSync(new URL(file, TESTING), 'utf8'));
    assert.equal(dump.flows.length, flows);
    for (const { flow, error } of dump.flows) {
      if (flow === undefined) throw error;
      assert.deepEqual(parseFlow(formatFlow(flow)), flow);
    }
  });
}
