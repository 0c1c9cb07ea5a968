/** Deleting tracked connections from a large table, with the kernel's own filter and where there is none. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import {
  type ConntrackFilter,
  createNamespace,
  deleteConntrack,
  deleteConntrackIf,
  deleteNamespace,
  findConntrack,
  listConntrack,
} from '@tenet/host';
import { Ip } from '@tenet/std';
import { kernelError } from '../../packages/host/src/errors.ts';
import { readAttributes } from '../../packages/host/src/netlink/attributes.ts';
import { type NetlinkRequest, NetlinkSocket } from '../../packages/host/src/netlink/socket.ts';
import { sweep } from './sweep.ts';
import { trackConnections } from './track-connections.ts';

const EINVAL = 22;
const CTA_FILTER = 25;

const POD = Ip.parse('10.131.2.5');
const OTHER_POD = Ip.parse('10.131.2.6');
const SERVICE = Ip.parse('172.30.0.7');
const NODE = Ip.parse('10.122.70.72');
const [POD6, OTHER_POD6, SERVICE6] = [Ip.parse('fd00::5'), Ip.parse('fd00::6'), Ip.parse('fd00::7')];

sweep('tenet-conntrack');
const namespace = `/run/netns/tenet-conntrack-${process.pid}-full`;
const empty = `/run/netns/tenet-conntrack-${process.pid}-empty`;

before(() => [namespace, empty].forEach(createNamespace));
after(() => [namespace, empty].forEach(deleteNamespace));

/** How the kernel takes a filter: all of it, in lists only (Linux 5.8), or not at all. */
const KERNELS: readonly { readonly name: string; readonly refuses: readonly ('change' | 'dump')[] }[] = [
  { name: 'that filters for itself', refuses: [] },
  { name: 'that filters what it lists', refuses: ['change'] },
  { name: 'that filters nothing', refuses: ['change', 'dump'] },
];

/** Which are left of those in `beforeEach`. */
const FILTERS: readonly { readonly filter: ConntrackFilter; readonly left: readonly string[] }[] = [
  { filter: { originalSource: POD }, left: ['other pod to service', 'other pod to pod', 'IPv6', 'other IPv6'] },
  { filter: { replySource: POD }, left: ['pod to service', 'pod to node', 'IPv6', 'other IPv6'] },
  { filter: { originalDestination: SERVICE }, left: ['pod to node', 'other pod to pod', 'IPv6', 'other IPv6'] },
  {
    filter: { originalSource: POD, originalDestination: SERVICE, replySource: OTHER_POD },
    left: ['pod to node', 'other pod to service', 'other pod to pod', 'IPv6', 'other IPv6'],
  },
  {
    filter: { originalSource: POD6, replySource: SERVICE6 },
    left: ['pod to service', 'pod to node', 'other pod to service', 'other pod to pod', 'other IPv6'],
  },
  {
    filter: { originalSource: POD, protocol: 6 },
    left: ['pod to service', 'pod to node', 'other pod to service', 'other pod to pod', 'IPv6', 'other IPv6'],
  },
  {
    filter: { originalSource: POD, protocol: 17, zone: 0 },
    left: ['other pod to service', 'other pod to pod', 'IPv6', 'other IPv6'],
  },
  {
    filter: { originalSource: POD, replySource: POD6 },
    left: ['pod to service', 'pod to node', 'other pod to service', 'other pod to pod', 'IPv6', 'other IPv6'],
  },
  { filter: { protocol: 17 }, left: [] },
  { filter: { protocol: 17, family: 4 }, left: ['IPv6', 'other IPv6'] },
  {
    filter: { protocol: 17, family: 4, originalDestinationPort: 54 },
    left: ['pod to service', 'pod to node', 'other pod to service', 'other pod to pod', 'IPv6', 'other IPv6'],
  },
  {
    filter: { protocol: 17, originalDestination: SERVICE, originalDestinationPort: 53 },
    left: ['pod to node', 'other pod to pod', 'IPv6', 'other IPv6'],
  },
  {
    filter: { protocol: 17, family: 4, originalDestinationPort: 53, replySource: POD },
    left: ['pod to service', 'pod to node', 'IPv6', 'other IPv6'],
  },
];

for (const { name, refuses } of KERNELS) {
  describe(`in a kernel ${name}`, () => {
    beforeEach(() => {
      deleteConntrack({}, namespace);
      track(POD, SERVICE, OTHER_POD, 1000, 3);
      track(POD, NODE, NODE, 2000, 200);
      track(OTHER_POD, SERVICE, POD, 3000, 3);
      track(OTHER_POD, POD, POD, 4000, 3);
      track(POD6, SERVICE6, SERVICE6, 5000, 3);
      track(OTHER_POD6, SERVICE6, SERVICE6, 6000, 3);
    });

    for (const { filter, left } of FILTERS) {
      const words = Object.entries(filter).map(([key, value]) => `${key} ${value}`);
      test(`deleteConntrack() deletes what has ${words.join(', ')}, and nothing else`, (t) => {
        for (const method of refuses) refuseFilters(t, method);
        deleteConntrack(filter, namespace);
        t.mock.restoreAll();
        assert.deepEqual(whatIsLeft(), left);
      });
    }
  });
}

test('deleteConntrackIf() deletes what passes and is chosen, says how many, and hands out nothing else', () => {
  deleteConntrack({}, namespace);
  track(POD, SERVICE, OTHER_POD, 1000, 4);
  track(OTHER_POD, SERVICE, POD, 3000, 3);
  const shown: number[] = [];
  const deleted = deleteConntrackIf(
    { family: 4, protocol: 17, replySource: OTHER_POD },
    ({ original: { sourcePort = 0 } }) => shown.push(sourcePort) > 0 && sourcePort < 1003,
    namespace,
  );
  assert.equal(deleted, 3);
  assert.deepEqual(shown.toSorted(), [1000, 1001, 1002, 1003]);
  const left = listConntrack({}, namespace).map(({ original }) => original.sourcePort ?? 0);
  assert.deepEqual(left.toSorted(), [1003, 3000, 3001, 3002]);
});

test('listConntrack() lists what passes, whether or not the kernel filters', (t) => {
  deleteConntrack({}, namespace);
  track(POD, SERVICE, OTHER_POD, 1000, 3);
  track(OTHER_POD, SERVICE, POD, 3000, 3);
  const ports = () => listConntrack({ replySource: OTHER_POD }, namespace).map(({ original }) => original.sourcePort);
  assert.deepEqual(ports().toSorted(), [1000, 1001, 1002]);
  refuseFilters(t, 'dump');
  assert.deepEqual(ports().toSorted(), [1000, 1001, 1002]);
});

const LOOKUPS = [
  {
    name: 'nothing for a port that nobody has',
    reply: { source: OTHER_POD, destination: POD, port: 1003 },
    found: undefined,
  },
  {
    name: 'nothing for the other direction',
    reply: { source: POD, destination: SERVICE, port: 1001 },
    found: undefined,
  },
  { name: 'what was translated', reply: { source: OTHER_POD, destination: POD, port: 1001 }, found: SERVICE },
  { name: 'what was not', reply: { source: NODE, destination: POD, port: 2000 }, found: NODE },
  { name: 'what is of IPv6', reply: { source: SERVICE6, destination: POD6, port: 5000 }, found: SERVICE6 },
];
for (const { name, reply, found } of LOOKUPS)
  test(`findConntrack() finds ${name}`, () => {
    deleteConntrack({}, namespace);
    track(POD, SERVICE, OTHER_POD, 1000, 3);
    track(POD, NODE, NODE, 2000, 1);
    track(POD6, SERVICE6, SERVICE6, 5000, 1);
    const { source, destination, port } = reply;
    const tuple = { source, destination, protocol: 17, sourcePort: 53, destinationPort: port };
    assert.equal(findConntrack(tuple, namespace)?.original.destination.toString(), found?.toString());
    assert.equal(findConntrack({ ...tuple, protocol: 6 }, namespace), undefined);
  });

test('findConntrack() finds nothing where nothing is tracked', () => {
  const tuple = { source: NODE, destination: POD, protocol: 6, sourcePort: 80, destinationPort: 2000 };
  assert.equal(findConntrack(tuple, empty), undefined);
});

test('deleteConntrack() asks nothing of the kernel when it tracks nothing', (t) => {
  const open = t.mock.method(NetlinkSocket, 'open');
  deleteConntrack({ originalSource: POD }, empty);
  assert.deepEqual(listConntrack({}, empty), []);
  assert.equal(open.mock.callCount(), 0);
});

test('deleteConntrack() leaves a filter for IPv6 to nobody but itself: the kernel takes it the wrong way round', () => {
  deleteConntrack({}, namespace);
  for (const pod of [POD6, OTHER_POD6]) track(pod, SERVICE6, SERVICE6, 5000, 1);
  deleteConntrack({ originalSource: POD6 }, namespace);
  const left = listConntrack({ replySource: SERVICE6 }, namespace).map(({ original }) => original.source.toString());
  assert.deepEqual(left, ['fd00::6']);
});

test('deleteConntrack() does not wait for a table of 30,000 to be read', () => {
  deleteConntrack({}, namespace);
  for (let pod = 10; pod < 40; pod++)
    track(Ip.parse(`10.131.2.${pod}`), SERVICE, Ip.parse(`10.129.0.${pod}`), 1000, 1000);
  const wholeMs = timed(() => assert.equal(listConntrack({ protocol: 17 }, namespace).length, 30_000));
  const pod = Ip.parse('10.131.2.20');
  const listMs = timed(() => assert.equal(listConntrack({ originalSource: pod }, namespace).length, 1000));
  const deleteMs = timed(() => deleteConntrack({ originalSource: pod }, namespace));
  assert.equal(listConntrack({ originalSource: pod }, namespace).length, 0);
  assert.equal(listConntrack({ replySource: Ip.parse('10.129.0.21') }, namespace).length, 1000);
  console.log(
    `# 30,000 connections: all read in ${wholeMs.toFixed(0)} ms, those of a pod in ${listMs.toFixed(0)} ms, and deleted in ${deleteMs.toFixed(0)} ms`,
  );
  assert.ok(deleteMs * 3 < wholeMs, `${deleteMs} ms, and ${wholeMs} ms for all`);
});

/** Refuses every filter in such messages, as a kernel does that has no words for it. */
function refuseFilters(t: TestContext, method: 'change' | 'dump'): void {
  const original = NetlinkSocket.prototype[method];
  t.mock.method(NetlinkSocket.prototype, method, function (this: NetlinkSocket, request: NetlinkRequest) {
    const [, list = new Uint8Array()] = request.body;
    if (readAttributes(list).has(CTA_FILTER)) throw kernelError('apply a filter', EINVAL);
    return original.call(this, request);
  });
}

/** Tracks connections over UDP from successive ports: their first packets, and where the answers come from. */
function track(source: Ip, destination: Ip, answerer: Ip, firstPort: number, count: number): void {
  trackConnections(namespace, { source, destination, answerer, firstPort, count });
}

/** The kinds of which all are there; a kind of which some are missing is said with the number that is left. */
function whatIsLeft(): string[] {
  const kinds = [
    ['pod to service', 1000, 3],
    ['pod to node', 2000, 200],
    ['other pod to service', 3000, 3],
    ['other pod to pod', 4000, 3],
    ['IPv6', 5000, 3],
    ['other IPv6', 6000, 3],
  ] as const;
  const ports = listConntrack({}, namespace).map(({ original }) => original.sourcePort ?? 0);
  return kinds.flatMap(([kind, first, count]) => {
    const left = ports.filter((port) => port >= first && port < first + 1000).length;
    return left === 0 ? [] : [left === count ? kind : `${left} of ${kind}`];
  });
}

function timed(run: () => void): number {
  const startMs = performance.now();
  run();
  return performance.now() - startMs;
}
