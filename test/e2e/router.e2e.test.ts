/** The way in from outside: node ports, and routers behind external IPs, which must belong to a global project. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Outcome } from '@tenet/lab';
import { ANNOTATION } from '@tenet/model';
import { Ip } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import { type PrivateLab, privateLab } from './private-lab.ts';

/** Longer than the router waits for a pod. */
const TIMEOUT_MS = 5000 * PATIENCE;

/** Addresses that the lab fixes: those of the nodes, and what its routers publish. */
const NODE_IPS = ['10.122.70.72', '10.122.70.73'];
const ROUTER = { externalIp: '10.122.70.100', pod: 'default/router' };
const EDGE = { externalIp: '10.122.70.101', pod: 'edge/router' };

let lab: PrivateLab;

before(async () => {
  lab = await privateLab();
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

interface Asked {
  readonly externalIp: string;
  readonly host: string;
}

const ask = ({ externalIp, host }: Asked): Promise<Outcome> =>
  lab.probe('outside', { protocol: 'TCP', to: Ip.parse(externalIp), port: 80, host, timeoutMs: TIMEOUT_MS });

/** Who answered and whom that pod saw, or what came instead. */
const wordsOf = (seen: Outcome) =>
  seen.outcome === 'answered' ? `${seen.answer.pod} saw ${seen.answer.client}` : seen.outcome;

/** The status line of whatever a router said by itself. */
const statusOf = (seen: Outcome) =>
  seen.outcome === 'garbled' ? /^HTTP\/1\.1 (\d+)/.exec(seen.text)?.[1] : wordsOf(seen);

describe('outside reaches', () => {
  for (const to of NODE_IPS) {
    test(`a node port at ${to}, by TCP and UDP`, async () => {
      for (const [protocol, port] of [
        ['TCP', 30_080],
        ['UDP', 30_081],
      ] as const) {
        const seen = await lab.probe('outside', { protocol, to: Ip.parse(to), port, timeoutMs: TIMEOUT_MS });
        assert.match(wordsOf(seen), /^alpha\/web(-2)? saw /);
      }
    });
  }

  test('the pods of isolated projects by the router, in turns, which see the router', async () => {
    const { ip } = await lab.pod(ROUTER.pod);
    for (const [host, pods] of [
      ['web.alpha.example', ['alpha/web', 'alpha/web-2']],
      ['DB.beta.example:80', ['beta/db', 'beta/db-2']],
    ] as const) {
      const seen = [await ask({ ...ROUTER, host }), await ask({ ...ROUTER, host })];
      assert.deepEqual(
        seen.map(wordsOf).sort(),
        pods.map((pod) => `${pod} saw ${ip}`),
      );
    }
  });

  test('nobody by a host that no service asks for', async () =>
    assert.equal(statusOf(await ask({ ...ROUTER, host: 'nobody.example' })), '503'));
});

describe('a router of a project of its own', () => {
  before(async () => {
    const metadata = { namespace: 'edge', name: 'router' };
    await lab.kube.create('Namespace', { metadata: { name: 'edge' } });
    await lab.kube.create('Service', {
      metadata,
      spec: { selector: { app: 'router' }, externalIPs: [EDGE.externalIp], ports: [{ port: 80 }] },
    });
    await lab.kube.create('Pod', {
      metadata: { ...metadata, labels: { app: 'router' } },
      spec: { nodeName: 'dt-infra1', containers: [{ name: 'router', image: 'tenet.io/router' }] },
    });
    await eventually(
      async () => (statusOf(await ask({ ...EDGE, host: 'nobody.example' })) === '503' ? true : undefined),
      {
        what: 'the router of edge answers',
      },
    );
  });

  after(async () => {
    await lab.kube.delete('Namespace', { name: 'edge' });
  });

  const toAlpha = { ...EDGE, host: 'web.alpha.example' };

  test('reaches no pod of another project while it is isolated: what it sends is dropped and counted', async () => {
    const nodes = ['dt-infra1', 'dt-node2'];
    const counted = async () =>
      Promise.all(nodes.map(async (node) => (await lab.drops(node)).get('tenant-mismatch') ?? 0));
    const before = await counted();
    // One for each endpoint: they are tried in turns, and each is on a node of its own.
    assert.deepEqual([statusOf(await ask(toAlpha)), statusOf(await ask(toAlpha))], ['504', '504']);
    await eventually(
      async () => ((await counted()).every((drops, at) => drops > (before[at] ?? 0)) ? true : undefined),
      { what: 'drops on both nodes' },
    );
  });

  test('reaches them once it is global', async () => {
    const annotations = { [ANNOTATION.changeNetwork]: 'global' };
    await lab.kube.patch('NetNamespace', { name: 'edge' }, { metadata: { annotations } });
    const { ip } = await lab.pod(EDGE.pod);
    // In turns, and each on a node of its own: both nodes have to hear of it.
    await eventually(
      async () => {
        const seen = [await ask(toAlpha), await ask(toAlpha)];
        return `${seen.map(wordsOf).sort()}` === `alpha/web saw ${ip},alpha/web-2 saw ${ip}` ? true : undefined;
      },
      { what: 'answers of alpha from both nodes by the router of edge' },
    );
  });
});
