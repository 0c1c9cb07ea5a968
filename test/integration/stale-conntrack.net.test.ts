/** What leads astray in the kernel's table of connections ends when the endpoints of a service change, and nothing else. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createNamespace, deleteConntrack, deleteConntrackIf, deleteNamespace, listConntrack } from '@tenet/host';
import type { ProxiedPort } from '@tenet/proxy';
import { Ip, Prefix, SILENT } from '@tenet/std';
import { StaleConntrack } from '../../packages/agent/src/services/stale-conntrack.ts';
import { sweep } from './sweep.ts';
import { trackConnections } from './track-connections.ts';

sweep('tenet-stale');
const namespace = `/run/netns/tenet-stale-${process.pid}`;

const NODE = Ip.parse('10.122.70.72');
const CLIENT = Ip.parse('10.131.2.9');
const SERVICE = Ip.parse('172.30.0.10');
const EXTERNAL = Ip.parse('203.0.113.9');
const [HERE, THERE] = [Ip.parse('10.131.2.5'), Ip.parse('10.130.0.6')];
const NODE_PORT = 30_053;

function port(...endpoints: readonly Ip[]): ReadonlyMap<string, ProxiedPort> {
  const to = endpoints.map((ip) => ({ ip, port: 5353 }));
  return new Map([
    [
      'alpha/dns:',
      {
        namespace: 'alpha',
        service: 'dns',
        portName: '',
        protocol: 'udp',
        clusterIp: SERVICE,
        port: 53,
        nodePort: NODE_PORT,
        externalIps: [EXTERNAL],
        loadBalancerIps: [],
        sourceRanges: [],
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Cluster',
        clusterEndpoints: to,
        localEndpoints: [],
        hasEndpointsSomewhere: to.length > 0,
      },
    ],
  ]);
}

const served = { answererPort: 5353 };
const stale = () =>
  new StaleConntrack({
    serviceNetwork: Prefix.parse('172.30.0.0/16'),
    localAddresses: () => [NODE],
    log: SILENT,
    deleteIf: (filter, isStale) => deleteConntrackIf(filter, isStale, namespace),
  });

/** The clients' ports of what is left. */
const left = () =>
  listConntrack({}, namespace)
    .map(({ original }) => original.sourcePort ?? 0)
    .toSorted((a, b) => a - b);

describe('StaleConntrack on the kernel', () => {
  before(() => createNamespace(namespace));
  after(() => deleteNamespace(namespace));
  beforeEach(() => deleteConntrack({}, namespace));

  test('end() ends connections to an endpoint that went, by cluster IP, external IP and node port', () => {
    const conntrack = stale();
    conntrack.end(port(HERE, THERE));
    for (const [at, answerer] of [HERE, THERE].entries()) {
      const of = { source: CLIENT, answerer, ...served };
      trackConnections(namespace, { ...of, firstPort: 1000 + at, destination: SERVICE });
      trackConnections(namespace, { ...of, firstPort: 2000 + at, destination: EXTERNAL });
      trackConnections(namespace, { ...of, firstPort: 3000 + at, destination: NODE, port: NODE_PORT });
    }
    // To the endpoint itself, and to another service of it.
    trackConnections(namespace, { source: CLIENT, firstPort: 4000, destination: HERE, port: 5353 });
    trackConnections(namespace, {
      source: CLIENT,
      firstPort: 5000,
      destination: Ip.parse('172.30.0.11'),
      answerer: HERE,
    });
    assert.equal(conntrack.end(port(THERE)), 3);
    assert.deepEqual(left(), [1001, 2001, 3001, 4000, 5000]);
  });

  test('end() ends what went past a service until it had its first endpoint', () => {
    const conntrack = stale();
    conntrack.end(port());
    trackConnections(namespace, { source: CLIENT, firstPort: 1000, count: 3, destination: SERVICE });
    trackConnections(namespace, { source: CLIENT, firstPort: 2000, destination: EXTERNAL });
    trackConnections(namespace, { source: CLIENT, firstPort: 3000, destination: NODE, port: NODE_PORT });
    trackConnections(namespace, {
      source: CLIENT,
      firstPort: 4000,
      destination: Ip.parse('198.51.100.1'),
      port: NODE_PORT,
    });
    assert.equal(conntrack.end(port(HERE)), 5);
    assert.deepEqual(left(), [4000]);
  });

  test('end() does not wait for a table of 30,000 to be read, though most of it is of the service', () => {
    const conntrack = stale();
    conntrack.end(port(HERE, THERE));
    for (let client = 10; client < 40; client++) {
      const of = { source: Ip.parse(`10.131.2.${client}`), destination: SERVICE, ...served };
      trackConnections(namespace, { ...of, answerer: THERE, firstPort: 1000, count: 990 });
      trackConnections(namespace, { ...of, answerer: HERE, firstPort: 5000, count: 10 });
    }
    const wholeMs = timed(() => assert.equal(listConntrack({}, namespace).length, 30_000));
    const endMs = timed(() => assert.equal(conntrack.end(port(THERE)), 300));
    assert.equal(left().length, 29_700);
    console.log(
      `# 30,000 connections: all read in ${wholeMs.toFixed(0)} ms, 300 stale ones ended in ${endMs.toFixed(0)} ms`,
    );
    assert.ok(endMs * 3 < wholeMs, `${endMs} ms, and ${wholeMs} ms to read all`);
  });
});

function timed(run: () => void): number {
  const startMs = performance.now();
  run();
  return performance.now() - startMs;
}
