import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vnidOf } from '@tenet/model';
import { formatFlow } from '@tenet/openflow';
import { ARTICLE_NODE, type ClusterService } from '@tenet/pipeline';
import { Ip, Prefix } from '@tenet/std';
import { FlowCompiler, type FlowInputs } from './flow-compiler.ts';

const { node, pod, peer, service } = ARTICLE_NODE;
const INPUTS: FlowInputs = { node, pods: [pod], peers: [peer], services: [service] };
const OTHER: ClusterService = { ...service, id: 7, clusterIp: Ip.parse('172.30.0.7') };

describe('FlowCompiler', () => {
  test('compile() gives the very same plan when nothing has changed, and for the same node and owners as new objects', () => {
    const compiler = new FlowCompiler();
    const plan = compiler.compile(INPUTS);
    assert.equal(compiler.compile(INPUTS), plan);
    const copies = { node: { ...node }, pods: [{ ...pod }], peers: [{ ...peer }], services: [service] };
    assert.equal(compiler.compile(copies), plan);
  });

  // biome-ignore format: a change a line
  const CHANGES: readonly { readonly what: string; readonly to: FlowInputs; readonly added: number; readonly removed: number }[] = [
    { what: 'a service comes', to: { ...INPUTS, services: [service, OTHER] }, added: 3, removed: 0 },
    { what: 'a service goes', to: { ...INPUTS, services: [] }, added: 0, removed: 3 },
    { what: 'a port of a service is another', to: { ...INPUTS, services: [{ ...service, ports: [{ protocol: 'udp', port: 9200 }] }] }, added: 1, removed: 1 },
    { what: "a service's project has another number", to: { ...INPUTS, services: [{ ...service, vnid: vnidOf(9) }] }, added: 3, removed: 0 },
    { what: 'a service is made again with another UID', to: { ...INPUTS, services: [{ ...service, id: 8 }] }, added: 3, removed: 0 },
    { what: 'the last pod of a project goes', to: { ...INPUTS, pods: [] }, added: 0, removed: 9 },
  ];
  for (const { what, to, added, removed } of CHANGES) {
    test(`compile() differs by the flows of one owner when ${what}, and goes back to what it was`, () => {
      const compiler = new FlowCompiler();
      const before = compiler.compile(INPUTS);
      const after = compiler.compile(to);
      const change = after.since(before);
      assert.deepEqual([change.add.size, change.remove.size], [added, removed]);
      const back = compiler.compile(INPUTS).since(before);
      assert.deepEqual([back.add.size, back.remove.size], [0, 0]);
    });
  }

  test('compile() compiles everything anew for another node', () => {
    const compiler = new FlowCompiler();
    const before = compiler.compile(INPUTS);
    const wider = { ...node, clusterNetworks: [...node.clusterNetworks, Prefix.parse('10.200.0.0/16')] };
    const after = compiler.compile({ ...INPUTS, node: wider });
    const expected = new FlowCompiler().compile({ ...INPUTS, node: wider });
    const text = (plan: typeof after) => [...plan.flows.values()].map((flow) => formatFlow(flow)).sort();
    assert.deepEqual(text(after), text(expected));
    assert.notDeepEqual(text(after), text(before));
  });
});
