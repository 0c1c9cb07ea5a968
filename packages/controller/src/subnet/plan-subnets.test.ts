import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ANNOTATION, type HostSubnetObject, type NodeObject, parseClusterNetwork } from '@tenet/model';
import fc from 'fast-check';
import { NO_SUBNET_STATE, planSubnets, type SubnetPlan, type SubnetState } from './plan-subnets.ts';

const networkOf = (...ranges: readonly [cidr: string, hostBits: number][]) =>
  parseClusterNetwork({
    metadata: { name: 'default' },
    serviceNetwork: '172.30.0.0/16',
    clusterNetworks: ranges.map(([CIDR, hostSubnetLength]) => ({ CIDR, hostSubnetLength })),
  });
const NETWORK = networkOf(['10.128.0.0/14', 9]);

const node = (name: string, address?: string, uid = `uid-${name}`): NodeObject => ({
  metadata: { name, uid },
  status: { addresses: address === undefined ? [] : [{ type: 'InternalIP', address }] },
});

const hostSubnet = (
  name: string,
  {
    nodeUid,
    annotations,
    created,
    uid = `hs-${name}`,
    ...rest
  }: Partial<HostSubnetObject> & {
    nodeUid?: string;
    annotations?: Record<string, string>;
    created?: string;
    uid?: string;
  } = {},
): HostSubnetObject => ({
  metadata: {
    name,
    uid,
    resourceVersion: '7',
    ...(created === undefined ? {} : { creationTimestamp: created }),
    annotations: { ...annotations, ...(nodeUid === undefined ? {} : { [ANNOTATION.nodeUid]: nodeUid }) },
  },
  host: name,
  hostIP: '10.0.0.1',
  subnet: '10.128.0.0/23',
  ...rest,
});

const byName = <T extends { metadata: { name: string } }>(objects: readonly T[]) =>
  new Map(objects.map((object) => [object.metadata.name, object]));

function plan(
  nodes: readonly NodeObject[],
  hostSubnets: readonly HostSubnetObject[],
  { network = NETWORK, state = NO_SUBNET_STATE }: { network?: typeof NETWORK; state?: SubnetState } = {},
): SubnetPlan {
  return planSubnets({ nodes: byName(nodes), hostSubnets: byName(hostSubnets), network }, state);
}

const said = ({ refusals }: SubnetPlan) =>
  refusals.map(({ subject, error }) => `${subject.kind}/${subject.name} ${error.code}`);

describe('planSubnets() refuses', () => {
  test('a Node without an InternalIP, and plans nothing for it', () => {
    const result = plan([node('a')], []);
    assert.deepEqual(result.actions, []);
    assert.deepEqual(said(result), ['Node/a NODE_ADDRESS_MISSING']);
  });

  for (const address of ['127.0.0.1', '10.129.3.4', '172.30.9.9', 'fd00::1', 'a']) {
    test(`a Node at ${address}`, () => {
      const result = plan([node('a', address)], []);
      assert.deepEqual(result.actions, []);
      assert.deepEqual(said(result), ['Node/a HOST_ADDRESS_UNUSABLE']);
    });
  }

  test('to move a HostSubnet to an address that no tunnel can end at', () => {
    const result = plan([node('a', '10.128.0.9')], [hostSubnet('a', { nodeUid: 'uid-a' })]);
    assert.deepEqual(result.actions, []);
    assert.deepEqual(said(result), ['Node/a HOST_ADDRESS_UNUSABLE']);
  });

  test('the Nodes for which no subnet is left, naming the ranges', () => {
    const network = networkOf(['10.1.0.0/16', 16], ['10.2.0.0/24', 8]);
    const result = plan([node('a', '10.0.0.1'), node('b', '10.0.0.2'), node('c', '10.0.0.3')], [], { network });
    assert.deepEqual(
      result.actions.map((action) => action.verb === 'create' && action.object.subnet),
      ['10.1.0.0/16', '10.2.0.0/24'],
    );
    assert.deepEqual(said(result), ['Node/c SUBNETS_EXHAUSTED']);
    assert.equal(
      result.refusals[0]?.error.message,
      'no subnet is left for c in 10.1.0.0/16 (host bits 16), 10.2.0.0/24 (host bits 8)',
    );
  });

  for (const [why, subnet] of [
    ['the same subnet', '10.128.0.0/23'],
    ['a part of it', '10.128.1.0/24'],
    ['all around it', '10.128.0.0/20'],
  ] as const) {
    test(`the younger of two HostSubnets when it has ${why}`, () => {
      const younger = hostSubnet('a', { subnet, created: '2026-02-01T00:00:00Z' });
      const older = hostSubnet('b', { created: '2026-01-01T00:00:00Z' });
      assert.deepEqual(said(plan([], [younger, older])), ['HostSubnet/a SUBNET_OVERLAPS']);
    });
  }

  test('the second by name when both are of the same age', () => {
    assert.deepEqual(said(plan([], [hostSubnet('b'), hostSubnet('a')])), ['HostSubnet/b SUBNET_OVERLAPS']);
  });

  test('a HostSubnet outside all ranges', () => {
    const result = plan([], [hostSubnet('a', { subnet: '10.132.0.0/23' })]);
    assert.deepEqual(said(result), ['HostSubnet/a SUBNET_OUTSIDE_RANGES']);
  });

  test('a foreign HostSubnet that makes no sense, and leaves it alone', () => {
    const result = plan(
      [],
      [hostSubnet('f5', { host: 'other' }), hostSubnet('g', { hostIP: '10.128.0.1', subnet: '10.129.0.0/23' })],
    );
    assert.deepEqual(result.actions, []);
    assert.deepEqual(said(result), ['HostSubnet/f5 OBJECT_INVALID', 'HostSubnet/g HOST_ADDRESS_UNUSABLE']);
  });

  test('a request for a subnet when none is left, and does not delete what asks', () => {
    const request = hostSubnet('f5', { subnet: '', annotations: { [ANNOTATION.assignSubnet]: 'true' } });
    const network = networkOf(['10.1.0.0/16', 16]);
    const result = plan([], [hostSubnet('a', { subnet: '10.1.0.0/16' }), request], { network });
    assert.deepEqual(result.actions, []);
    assert.deepEqual(said(result), ['HostSubnet/f5 SUBNETS_EXHAUSTED']);
  });
});

describe('planSubnets() plans', () => {
  test('nothing when all is as it should be', () => {
    const result = plan([node('a', '10.0.0.1')], [hostSubnet('a', { nodeUid: 'uid-a' })]);
    assert.deepEqual([result.actions, result.refusals], [[], []]);
  });

  test('a HostSubnet for a Node, at its first InternalIP, stamped with its UID', () => {
    const [action, ...more] = plan([node('a', '10.0.0.1')], []).actions;
    assert.deepEqual(more, []);
    assert(action?.verb === 'create');
    assert.deepEqual(action.object, {
      apiVersion: 'network.openshift.io/v1',
      kind: 'HostSubnet',
      metadata: { name: 'a', annotations: { [ANNOTATION.nodeUid]: 'uid-a' } },
      host: 'a',
      hostIP: '10.0.0.1',
      subnet: '10.128.0.0/23',
    });
  });

  test('nothing for a Node whose HostSubnet is being deleted: its name is taken', () => {
    const old = hostSubnet('a', { nodeUid: 'uid-a' });
    const going = { ...old, metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    assert.deepEqual(plan([node('a', '10.0.0.1')], [going]).actions, []);
  });

  test('another hostIP, and nothing else, when a Node moved', () => {
    const [action, ...more] = plan([node('a', '10.0.0.9')], [hostSubnet('a', { nodeUid: 'uid-a' })]).actions;
    assert.deepEqual(more, []);
    assert(action?.verb === 'patch');
    assert.deepEqual(action.patch, { metadata: { resourceVersion: '7' }, hostIP: '10.0.0.9' });
  });

  test('a stamp on the HostSubnet of a Node that bears none', () => {
    const [action] = plan([node('a', '10.0.0.1')], [hostSubnet('a')]).actions;
    assert(action?.verb === 'patch');
    const annotations = { [ANNOTATION.nodeUid]: 'uid-a' };
    assert.deepEqual(action.patch, { metadata: { resourceVersion: '7', annotations } });
  });

  test('to mend host and hostIP in place, so that the pods keep their subnet', () => {
    const broken = hostSubnet('a', { nodeUid: 'uid-a', host: 'b', hostIP: 'nonsense' });
    const [action] = plan([node('a', '10.0.0.1')], [broken]).actions;
    assert(action?.verb === 'patch');
    assert.deepEqual(action.patch, { metadata: { resourceVersion: '7' }, host: 'a', hostIP: '10.0.0.1' });
  });

  test('to replace the HostSubnet of a Node whose subnet makes no sense', () => {
    const [action] = plan([node('a', '10.0.0.1')], [hostSubnet('a', { nodeUid: 'uid-a', subnet: 'x' })]).actions;
    assert(action?.verb === 'replace');
    assert.deepEqual([action.uid, action.object.subnet], ['hs-a', '10.128.0.0/23']);
  });

  test('to delete what a Node left behind, unless that Node is there after all', () => {
    const [action] = plan([], [hostSubnet('a', { nodeUid: 'uid-a' })]).actions;
    assert(action?.verb === 'delete');
    assert.deepEqual([action.uid, action.unless], ['hs-a', { kind: 'Node', name: 'a', uid: 'uid-a' }]);
  });

  test('to delete, first, what another Node of the same name left behind', () => {
    const result = plan([node('a', '10.0.0.1', 'uid-new')], [hostSubnet('a', { nodeUid: 'uid-old' })]);
    assert.deepEqual(
      result.actions.map(({ verb, name }) => [verb, name]),
      [['delete', 'a']],
    );
  });

  test('nothing for a host that is no Node', () => {
    assert.deepEqual(plan([], [hostSubnet('f5', { hostIP: '192.168.1.1' })]).actions, []);
  });

  for (const [fixed, carried] of [
    ['5', { [ANNOTATION.fixedVnidHost]: '5' }],
    ['16777216', undefined],
    ['x', undefined],
  ] as const) {
    test(`the answer to a request; it carries ${carried === undefined ? 'no annotation' : 'the VNID'} when that is ${fixed}`, () => {
      const annotations = { [ANNOTATION.assignSubnet]: 'true', [ANNOTATION.fixedVnidHost]: fixed, other: 'x' };
      const [action] = plan([], [hostSubnet('f5', { subnet: '', annotations })]).actions;
      assert(action?.verb === 'replace');
      assert.equal(action.uid, 'hs-f5');
      assert.deepEqual(action.object.metadata.annotations, carried);
      assert.equal(action.object.subnet, '10.128.0.0/23');
    });
  }

  test('the second half of a replacement whose first half was done, and keeps its subnet from others', () => {
    const annotations = { [ANNOTATION.assignSubnet]: 'true' };
    const first = plan([], [hostSubnet('f5', { subnet: '', annotations })]);
    const state = { ...first.state, cursors: [] };
    const second = plan([node('a', '10.0.0.1')], [], { state });
    assert.deepEqual(
      second.actions.map((action) => [action.verb, action.name, action.verb === 'create' && action.object.subnet]),
      [
        ['create', 'f5', '10.128.0.0/23'],
        ['create', 'a', '10.129.0.0/23'],
      ],
    );
    const third = plan([], [hostSubnet('f5')], { state: second.state });
    assert.deepEqual([third.actions, [...third.state.replacing]], [[], []]);
  });
});

test('planSubnets() gives no address twice, whatever HostSubnets exist already', () => {
  const network = networkOf(['10.1.0.0/24', 4], ['10.2.0.0/26', 3]);
  const existing = fc.record({
    subnet: fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 22, max: 30 }))
      .map(([range, last, length]) => `10.${range}.0.${last}/${length}`),
    age: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(existing, { maxLength: 8 }), fc.integer({ min: 0, max: 30 }), (old, count) => {
      const before = old.map(({ subnet, age }, at) => hostSubnet(`f${at}`, { subnet, created: `2026-01-0${age}` }));
      const nodes = Array.from({ length: count }, (_, at) => node(`n${at}`, '10.0.0.1'));
      const { actions, refusals } = plan(nodes, before, { network });
      const taken = before.map(({ subnet }) => addressesOf(subnet));
      const given = actions.flatMap((action) => (action.verb === 'create' ? [addressesOf(action.object.subnet)] : []));
      for (const [at, [first, last]] of given.entries()) {
        for (const [from, to] of [...taken, ...given.slice(0, at)]) assert(last < from || to < first);
      }
      const without = refusals.filter(({ error }) => error.code === 'SUBNETS_EXHAUSTED').length;
      assert.equal(given.length + without, count);
    }),
  );
});

/** First and last address of a prefix as numbers, by plain arithmetic. */
function addressesOf(text: string): [first: number, last: number] {
  const [address = '', length = ''] = text.split('/');
  const value = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(value / size) * size;
  return [first, first + size - 1];
}
