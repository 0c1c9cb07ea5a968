/** Who reaches whom, with real packets: TCP, UDP and ICMP, on one node and across nodes, up to the MTU and beyond. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { endpointsOf, labHealth, matrixText, openLab, probePing, probeTcp, probeUdp, proveIsolation } from '@tenet/lab';
import { Ip } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import { type PrivateLab, privateLab } from './private-lab.ts';
import { assertBlocked, knowMac, PROTOCOLS, probe, REPLY_MS } from './probe-all.ts';

const MTU_BYTES = 1450;
/** IPv4 and ICMP headers. */
const PING_OVERHEAD_BYTES = 28;

let lab: PrivateLab;

interface Place {
  /** The path of its network namespace. */
  readonly netns: string;
  readonly ip: Ip;
  /** As what the other end sees it. */
  readonly seenAs: string;
}

/** Addresses that the lab fixes. */
const NODES: Readonly<Record<string, { readonly ip: string; readonly gateway: string }>> = {
  'dt-infra1': { ip: '10.122.70.72', gateway: '10.131.2.1' },
  'dt-node2': { ip: '10.122.70.73', gateway: '10.130.0.1' },
};
const OUTSIDE_IP = '198.51.100.10';

before(async () => {
  lab = await privateLab();
  // The article's cluster has no two pods of one isolated project on one node.
  await lab.kube.create('Pod', {
    metadata: { namespace: 'alpha', name: 'web2' },
    spec: { nodeName: 'dt-infra1', containers: [{ name: 'web' }] },
  });
  await eventually(
    async () =>
      (await lab.kube.get('Pod', { namespace: 'alpha', name: 'web2' }))?.status?.phase === 'Running' ? true : undefined,
    {
      what: 'alpha/web2 runs',
    },
  );
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

async function place(name: string): Promise<Place> {
  const node = NODES[name];
  if (node !== undefined) return { netns: lab.netns(`node/${name}`), ip: Ip.parse(node.ip), seenAs: node.gateway };
  if (name === 'outside') return { netns: lab.netns('outside'), ip: Ip.parse(OUTSIDE_IP), seenAs: OUTSIDE_IP };
  const pod = await lab.pod(name);
  return { netns: pod.netns, ip: pod.ip, seenAs: String(pod.ip) };
}

interface Way {
  readonly from: string;
  readonly to: string;
  /** The client's address as the answerer sees it, when that is not the client's own. */
  readonly seenAs?: string;
}

const REACHES: readonly (Way & { readonly what: string })[] = [
  { what: 'inside a project on one node', from: 'alpha/web', to: 'alpha/web2' },
  { what: 'inside a project across nodes', from: 'alpha/web', to: 'alpha/client' },
  { what: 'inside a project across nodes, back', from: 'alpha/client', to: 'alpha/web' },
  { what: 'inside another project across nodes', from: 'beta/db', to: 'beta/client' },
  { what: 'the global project to a project on its node', from: 'logging/logging-es-1', to: 'alpha/web' },
  { what: 'the global project to a project on the other node', from: 'logging/logging-es-1', to: 'beta/client' },
  { what: 'a project to the global one on its node', from: 'beta/db', to: 'logging/logging-es-1' },
  { what: 'a project to the global one on the other node', from: 'alpha/client', to: 'logging/logging-es-1' },
  { what: 'a node to a pod of its own', from: 'dt-infra1', to: 'beta/db' },
  { what: "a node to another node's pod", from: 'dt-infra1', to: 'alpha/client' },
  { what: 'the other node to a pod of its own', from: 'dt-node2', to: 'alpha/client' },
  { what: "the other node to this one's pod", from: 'dt-node2', to: 'beta/db' },
  {
    what: "a pod to the outside, which sees the node's address",
    from: 'alpha/web',
    to: 'outside',
    seenAs: '10.122.70.72',
  },
  { what: "the other node's pod to the outside", from: 'beta/client', to: 'outside', seenAs: '10.122.70.73' },
];

const BLOCKED: readonly Way[] = [
  { from: 'alpha/web', to: 'beta/db' },
  { from: 'beta/db', to: 'alpha/web' },
  { from: 'alpha/web', to: 'beta/client' },
  { from: 'beta/client', to: 'alpha/web' },
  { from: 'alpha/client', to: 'beta/db' },
  { from: 'beta/db', to: 'alpha/client' },
  { from: 'alpha/client', to: 'beta/client' },
  { from: 'beta/client', to: 'alpha/client' },
];

describe('packets arrive', () => {
  for (const { what, from, to, seenAs } of REACHES) {
    for (const protocol of PROTOCOLS) {
      test(`by ${protocol} ${what}`, async () => {
        const source = await place(from);
        const outcome = await probe(protocol, source, (await place(to)).ip, REPLY_MS);
        if (protocol === 'ICMP') assert.equal(outcome.outcome, 'reply');
        else {
          assert.ok(outcome.outcome === 'answered', JSON.stringify(outcome));
          assert.equal(outcome.answer.pod, to);
          assert.equal(outcome.answer.client, seenAs ?? source.seenAs);
        }
      });
    }
  }

  test('on the port that a pod declares', async () => {
    const outcome = await probeTcp({
      namespace: (await place('alpha/web')).netns,
      to: (await place('logging/logging-es-1')).ip,
      port: 9200,
      timeoutMs: REPLY_MS,
    });
    assert.ok(outcome.outcome === 'answered' && outcome.answer.port === 9200, JSON.stringify(outcome));
  });
});

describe('between projects everything is dropped and counted as tenant-mismatch', () => {
  for (const { from, to } of BLOCKED) {
    test(`from ${from} to ${to}: whoever may not talk may not even resolve`, async () => {
      const [source, { ip, node }] = [await place(from), await lab.pod(to)];
      const send = () => Promise.all(PROTOCOLS.map((protocol) => probe(protocol, source, ip)));
      await assertBlocked(lab, { send, node, atLeast: 1 });
    });

    test(`from ${from} to ${to}: TCP, UDP and ICMP to a MAC that is known`, async () => {
      const [source, target] = [await place(from), await lab.pod(to)];
      using _known = knowMac(source, target);
      const send = () => Promise.all(PROTOCOLS.map((protocol) => probe(protocol, source, target.ip)));
      await assertBlocked(lab, { send, node: target.node, atLeast: PROTOCOLS.length });
    });
  }
});

const SIZED: readonly Way[] = [
  { from: 'alpha/web', to: 'alpha/web2' },
  { from: 'alpha/web', to: 'alpha/client' },
  { from: 'alpha/client', to: 'alpha/web' },
  { from: 'alpha/web', to: 'outside' },
];

describe('packets of every size', () => {
  for (const { from, to } of SIZED) {
    test(`from ${from} to ${to}: at the MTU whole, one byte above it refused, and in fragments when that is allowed`, async () => {
      const source = await place(from);
      const target = { namespace: source.netns, to: (await place(to)).ip, timeoutMs: REPLY_MS };
      const size = MTU_BYTES - PING_OVERHEAD_BYTES;
      assert.equal((await probePing({ ...target, size, dontFragment: true })).outcome, 'reply');
      assert.equal((await probePing({ ...target, size: size + 1, dontFragment: true })).outcome, 'too-big');
      assert.equal((await probePing({ ...target, size: size + 1 })).outcome, 'reply');
    });

    test(`from ${from} to ${to}: 3,000 bytes of UDP and 3,000 back`, async () => {
      const target = { namespace: (await place(from)).netns, to: (await place(to)).ip, timeoutMs: REPLY_MS };
      const outcome = await probeUdp({ ...target, size: 3000 });
      assert.equal(outcome.outcome, 'answered');
    });
  }

  test('3,000 bytes of UDP to another project are dropped, each fragment of them', async () => {
    const [{ netns }, { ip, mac, node }] = [await place('beta/db'), await lab.pod('alpha/client')];
    using _known = knowMac({ netns }, { ip, mac });
    const send = async () => [await probeUdp({ namespace: netns, to: ip, size: 3000 })];
    // On the kernel's datapath conntrack has made one packet of them.
    await assertBlocked(lab, { send, node, atLeast: lab.datapath === 'system' ? 1 : 3 });
  });
});

test('of all places and both nodes and outside each reaches whom it may, and no other, as `lab run` shows', async () => {
  const here = openLab(lab.paths.state);
  const signal = AbortSignal.timeout(60_000 * PATIENCE);
  const { status } = await labHealth(here, signal);
  const findings = await proveIsolation(here, endpointsOf(here, status), signal);
  // 4 pods of alpha, 3 of beta; others may be there, too.
  const blocked = findings.filter(({ expectation }) => expectation.kind === 'blocked');
  assert.ok(blocked.length >= 4 * 3 * 2, `${blocked.length} of ${findings.length} pairs are to be blocked`);
  assert.ok(
    findings.every(({ isAsExpected }) => isAsExpected),
    matrixText(findings).join('\n'),
  );
});

describe('the article', () => {
  test('the Elasticsearch pod has its address, its MAC and OpenFlow port 45', async () => {
    const [link] = JSON.parse(await lab.inNetns('pod/logging/logging-es-1', 'ip', '-j', 'addr', 'show', 'eth0'));
    assert.equal(link.address, '0a:58:0a:83:02:2d');
    assert.equal(link.mtu, MTU_BYTES);
    const inet = link.addr_info.filter(({ family }: { family: string }) => family === 'inet');
    assert.deepEqual(
      inet.map(({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`),
      ['10.131.2.45/23'],
    );
    const ports = await lab.inNetns(
      'node/dt-infra1',
      'ovs-ofctl',
      '-O',
      'OpenFlow14',
      'dump-ports-desc',
      `unix:${lab.paths.node('dt-infra1').ovs}/br0.mgmt`,
    );
    assert.match(ports, / 1\(vxlan0\)/);
    assert.match(ports, / 2\(tun0\)/);
    assert.match(ports, / 45\(veth[0-9a-f]{8}\)/);
  });

  test("a pod has the article's routes, and so has the node", async () => {
    const routes = async (target: string, link: string) =>
      JSON.parse(await lab.inNetns(target, 'ip', '-j', 'route'))
        .filter(({ dev }: { dev: string }) => dev === link)
        .map(({ dst, gateway }: { dst: string; gateway?: string }) =>
          gateway === undefined ? dst : `${dst} via ${gateway}`,
        )
        .sort();
    assert.deepEqual(await routes('pod/logging/logging-es-1', 'eth0'), [
      '10.128.0.0/14',
      '10.131.2.0/23',
      '224.0.0.0/4',
      'default via 10.131.2.1',
    ]);
    assert.deepEqual(await routes('node/dt-infra1', 'tun0'), ['10.128.0.0/14', '172.30.0.0/16']);
  });
});
