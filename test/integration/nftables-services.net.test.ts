/** Connections to services through the real nftables: who answers, and whom he sees. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProxiedPort } from '@tenet/proxy';
import { Ip, Prefix } from '@tenet/std';
import { endpointAt, ZOO_NODE, zooPort } from '../../packages/proxy/testing/port-zoo.ts';
import { eventually } from '../eventually.ts';
import { InstalledNftables } from './installed-nftables.ts';
import { type Answer, GATEWAY, NODE_IP, ServiceTopology } from './service-topology.ts';

describe('connections', () => {
  let at: ServiceTopology;
  let installed: InstalledNftables;
  const CLUSTER_IP = '172.30.229.30';
  const EXTERNAL_IP = '198.51.100.9';
  const BALANCER_IP = '198.51.100.10';
  const NODE_PORT = 30_080;
  const ENDPOINTS = ['10.131.2.11:8080', '10.131.2.12:8080'].map(endpointAt);
  const PUBLISHED = {
    clusterIp: Ip.parse(CLUSTER_IP),
    port: 80,
    nodePort: NODE_PORT,
    externalIps: [Ip.parse(EXTERNAL_IP)],
    loadBalancerIps: [Ip.parse(BALANCER_IP)],
    clusterEndpoints: ENDPOINTS,
    localEndpoints: ENDPOINTS,
  } as const;

  before(async () => {
    at = new ServiceTopology();
    await Promise.all([
      at.addPod('client', '10.131.2.10'),
      at.addPod('one', '10.131.2.11'),
      at.addPod('two', '10.131.2.12'),
    ]);
    await at.listen('node', GATEWAY, 41_000);
    installed = new InstalledNftables(at.node, { ...ZOO_NODE, nodeIp: Ip.parse(NODE_IP) });
  });
  after(() => at[Symbol.asyncDispose]());

  /** Makes the service, for both protocols, be as it is said. */
  async function serve(differs: Partial<ProxiedPort>): Promise<void> {
    const port = zooPort({ ...PUBLISHED, ...differs });
    await installed.sync(
      new Map([
        ['logging/logging-es:', port],
        ['logging/logging-es:udp', { ...port, portName: 'udp', protocol: 'udp' }],
      ]),
    );
  }

  /** Who answered whom, of several that ask. */
  async function answers(times: number, ask: () => Promise<Answer>): Promise<readonly string[]> {
    const all = new Set<string>();
    for (let left = times; left > 0; left--) all.add(shown(await ask()));
    return [...all].toSorted();
  }

  // biome-ignore format: one name a line
  const NAMES = [
    { name: 'cluster IP',       address: CLUSTER_IP,  port: 80 },
    { name: 'node port',        address: NODE_IP,     port: NODE_PORT },
    { name: 'external IP',      address: EXTERNAL_IP, port: 80 },
    { name: 'load balancer IP', address: BALANCER_IP, port: 80 },
  ] as const;
  const OUTSIDE_NAMES = NAMES.slice(1);
  const PROTOCOLS = ['tcp', 'udp'] as const;

  async function ask(who: string, { address, port }: (typeof NAMES)[number], protocol: 'tcp' | 'udp' = 'tcp') {
    return await (protocol === 'tcp' ? at.ask(who, address, port) : at.askUdp(who, address, port));
  }

  test('are refused at once, by every name, when there is no endpoint', async () => {
    await serve({ clusterEndpoints: [], localEndpoints: [], hasEndpointsSomewhere: false });
    for (const protocol of PROTOCOLS) {
      for (const name of NAMES)
        for (const who of ['client', 'node']) assert.equal(await ask(who, name, protocol), 'refused');
      for (const name of OUTSIDE_NAMES) assert.equal(await ask('outside', name, protocol), 'refused');
    }
  });

  test('hear nothing from outside, and reach endpoints from inside, when the policy is Local and none is here', async () => {
    await serve({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local', localEndpoints: [] });
    const silent = await Promise.all(
      OUTSIDE_NAMES.flatMap((name) => PROTOCOLS.map((protocol) => ask('outside', name, protocol))),
    );
    assert.deepEqual([...new Set(silent)], ['silent']);
    assert.equal(await ask('client', NAMES[0]), 'silent');
    for (const name of OUTSIDE_NAMES) {
      assert.match(shown(await ask('client', name)), /sees 10.131.2.10$/);
      assert.match(shown(await ask('node', name)), /sees 10.131.2.1$/);
    }
  });

  test('hear nothing from who may not come through the load balancer', async () => {
    await serve({ sourceRanges: [Prefix.parse('10.131.2.10/32'), Prefix.parse('192.0.2.128/25')] });
    const [, nodePort, , balancer] = NAMES;
    assert.equal(await ask('outside', balancer), 'silent');
    assert.match(shown(await ask('client', balancer)), /sees 10.131.2.1$/);
    assert.match(shown(await ask('outside', nodePort)), /sees 10.131.2.1$/);
  });

  test('reach the portal of a sleeping service by its names only, each with its own address', async () => {
    await serve({
      ...{ clusterEndpoints: [], localEndpoints: [], hasEndpointsSomewhere: false },
      portal: endpointAt('10.131.2.1:41000'),
    });
    for (const protocol of PROTOCOLS) {
      const portal = { name: 'portal', address: '10.131.2.1', port: 41_000 } as const;
      for (const name of NAMES) assert.equal(shown(await ask('client', name, protocol)), 'node sees 10.131.2.10');
      for (const name of OUTSIDE_NAMES)
        assert.equal(shown(await ask('outside', name, protocol)), 'node sees 192.0.2.2');
      assert.equal(
        await (protocol === 'tcp' ? at.ask : at.askUdp).call(at, 'client', portal.address, portal.port),
        'silent',
      );
    }
  });

  test('are spread evenly: χ² of 300 on three endpoints is below 27.6 (p = 10⁻⁶)', async () => {
    await serve({ clusterEndpoints: [...ENDPOINTS, endpointAt('10.131.2.10:8080')] });
    const counts = new Map<string, number>();
    for (let left = 300; left > 0; left--) {
      const answer = await ask('node', NAMES[0]);
      assert.ok(typeof answer === 'object');
      counts.set(answer.by, (counts.get(answer.by) ?? 0) + 1);
    }
    assert.equal(counts.size, 3);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    assert.ok(chiSquare < 27.6, `${[...counts.values()]}`);
  });

  for (const protocol of PROTOCOLS)
    test(`reach every endpoint with the source that was promised, ${protocol}`, async () => {
      await serve({});
      const both = (source: string) => [`one sees ${source}`, `two sees ${source}`];
      const [clusterIp] = NAMES;
      assert.deepEqual(await answers(24, () => ask('client', clusterIp, protocol)), both('10.131.2.10'));
      for (const name of NAMES)
        assert.deepEqual(await answers(24, () => ask('node', name, protocol)), both('10.131.2.1'));
      for (const name of OUTSIDE_NAMES) {
        assert.deepEqual(await answers(24, () => ask('client', name, protocol)), both('10.131.2.1'));
        assert.deepEqual(await answers(24, () => ask('outside', name, protocol)), both('10.131.2.1'));
      }
    });

  test('go to an endpoint of this node with their own source when the policy is Local', async () => {
    await serve({ externalTrafficPolicy: 'Local', localEndpoints: ENDPOINTS.slice(1) });
    for (const name of OUTSIDE_NAMES) {
      assert.deepEqual(await answers(12, () => ask('outside', name)), ['two sees 192.0.2.2']);
      assert.deepEqual(await answers(24, () => ask('client', name)), ['one sees 10.131.2.10', 'two sees 10.131.2.10']);
    }
  });

  test('come back when a pod is led to itself: it sees the node', async () => {
    await serve({ clusterEndpoints: ENDPOINTS.slice(0, 1) });
    for (const protocol of PROTOCOLS) assert.equal(shown(await ask('one', NAMES[0], protocol)), 'one sees 10.131.2.1');
  });

  test('stay with an endpoint that remembers them, until it goes or forgets', async () => {
    const sticky = { affinitySeconds: 2, clusterEndpoints: ENDPOINTS };
    await serve(sticky);
    const ofClient = () => ask('client', NAMES[0]);
    const [first = '', ...others] = await answers(30, ofClient);
    assert.deepEqual(others, []);
    // By another name it is the same client.
    assert.deepEqual(await answers(10, () => ask('client', NAMES[1])), [first.replace('10.131.2.10', '10.131.2.1')]);
    const other = ENDPOINTS.filter(
      ({ ip }) => String(ip) !== (first.startsWith('one') ? '10.131.2.11' : '10.131.2.12'),
    );
    await serve({ ...sticky, clusterEndpoints: other });
    const [second = '', ...more] = await answers(10, ofClient);
    assert.deepEqual(more, []);
    assert.notEqual(second, first);
    // The one that stayed keeps its client when the other is back.
    await serve(sticky);
    assert.deepEqual(await answers(20, ofClient), [second]);
    await eventually(async () => (isForgotten(await installed.list()) ? true : undefined), {
      what: 'clients are forgotten',
    });
    const after = new Set<string>();
    await eventually(
      async () => {
        after.add(shown(await ofClient()));
        if (after.has(first)) return true;
        // Only a forgotten client is led elsewhere.
        await eventually(async () => (isForgotten(await installed.list()) ? true : undefined), {
          what: 'it is forgotten',
        });
        return undefined;
      },
      { what: 'a client that was forgotten is led to the other endpoint', deadlineMs: 60_000 },
    );
  });

  test('are all answered while the number of endpoints changes', async () => {
    const three = [...ENDPOINTS, endpointAt('10.131.2.10:8080')];
    await serve({});
    let isOver = false;
    const failed: Answer[] = [];
    let answered = 0;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const answer = await ask('node', NAMES[0]);
        if (typeof answer === 'object') answered++;
        else failed.push(answer);
      }
    });
    for (let change = 0; change < 40; change++)
      await serve({ clusterEndpoints: change % 2 === 0 ? three : three.slice(0, 1 + (change % 3)) });
    isOver = true;
    await Promise.all(clients);
    assert.deepEqual(failed, []);
    assert.ok(answered > 100, `${answered}`);
  });
});

function shown(answer: Answer): string {
  return typeof answer === 'string' ? answer : `${answer.by} sees ${answer.to}`;
}

/** No set of clients has one. */
function isForgotten(listing: string): boolean {
  return !/"name": "clients[^}]*"elem"/.test(listing);
}
