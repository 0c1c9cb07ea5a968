/**
 * Services while things change: load that is spread and load that is not, endpoints that come and go under clients that
 * connect all the time, rules and agents that somebody kills, projects that move, and the way in through a router.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { endDaemon, type Outcome, openLab, type ProxyMode, probeTcp, startDaemonAgain } from '@tenet/lab';
import { ANNOTATION } from '@tenet/model';
import { Ip } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import { httpFrom } from '../http-from.ts';
import { logSince } from './agent-log.ts';
import { BACK_ENDS, useBackEnd } from './back-end.ts';
import { answeredSinceMs, answersOf, assertNoneLost, chiSquare, lastAnsweredMs } from './connections.ts';
import { ANSWERER_PORTS, type EndpointWish, type MadeService, makeService } from './make-service.ts';
import { type LabPod, type PrivateLab, privateLab } from './private-lab.ts';
import { nowMs, startTraffic, type Traffic } from './traffic.ts';

const NODE_IP = { 'dt-infra1': Ip.parse('10.122.70.72'), 'dt-node2': Ip.parse('10.122.70.73') };
/** Where the client is. */
const HOME = 'dt-node2';
const CROWD = ['dt-infra1', 'dt-infra1', 'dt-infra1', 'dt-node2', 'dt-node2'].map((node, at) => ({
  node,
  name: `crowd-${at + 1}`,
}));
const SPREAD_OVER = 2000;
const AT_ONCE = 16;
/** The quantile of χ² with four degrees of freedom that chance exceeds once in a thousand times. */
const CHI_SQUARE_4 = 18.467;
const STICKY = 50;
const SOON_MS = 1000 * PATIENCE;
const REPLY_MS = 3000 * PATIENCE;
const SILENCE_MS = 400;
/** What somebody broke by hand is whole again. */
const MENDED_MS = 5000 * PATIENCE;

let lab: PrivateLab;
let traffic: Traffic;
let client: LabPod;
let crowd: readonly LabPod[];
const made = new AsyncDisposableStack();

before(async () => {
  lab = made.use(await privateLab({ proxy: BACK_ENDS[0] }));
  traffic = made.use(await startTraffic());
  await Promise.all(
    CROWD.map(async ({ name, node }) => {
      const metadata = { namespace: 'alpha', name };
      await lab.kube.create('Pod', { metadata, spec: { nodeName: node, containers: [{ name: 'answerer' }] } });
      made.defer(async () => void (await lab.kube.delete('Pod', metadata)));
      await isRunning(metadata);
    }),
  );
  crowd = await Promise.all(CROWD.map(({ name }) => lab.pod(`alpha/${name}`)));
  client = await lab.pod('alpha/client');
});

after(async () => {
  await made.disposeAsync();
});

for (const mode of BACK_ENDS) {
  describe(`with ${mode}`, () => {
    before(() => useBackEnd(lab, mode));

    test(`${SPREAD_OVER} connections are spread over five endpoints`, async () => {
      await using service = await forwarded('spread', crowd);
      await rulesName(crowd);
      // Chance alone exceeds the bound now and then, but not twice.
      const sample = async () => {
        const counts = await countAnswers(service, SPREAD_OVER);
        const statistic = chiSquare(crowd.map(({ name }) => counts.get(name) ?? 0));
        console.log(`#     ${[...counts.values()].join(', ')}: χ² ${statistic.toFixed(1)}`);
        return statistic;
      };
      assert.ok((await sample()) < CHI_SQUARE_4 || (await sample()) < CHI_SQUARE_4);
    });

    test('a client keeps its endpoint when the service asks for it, whatever becomes of the others', async () => {
      await using service = await forwarded('sticky', crowd, { sessionAffinity: 'ClientIP' });
      const counts = await countAnswers(service, STICKY);
      const [chosen = ''] = counts.keys();
      assert.deepEqual([...counts], [[chosen, STICKY]]);
      const isChosen = ({ name }: LabPod) => name === chosen;
      const others = crowd.filter((pod) => !isChosen(pod));
      for (const pods of [crowd.filter(isChosen).concat(others.slice(2)), crowd]) {
        await service.setEndpoints(pods.map(endpoint));
        await rulesName(pods);
        assert.deepEqual([...(await countAnswers(service, STICKY))], [[chosen, STICKY]]);
      }
    });

    test('no connection is lost while endpoints come, and one that goes gets none after a second', async () => {
      await using service = await forwarded('shifting', crowd.slice(0, 2));
      const flow = await traffic.connect(client, { ip: service.clusterIp, port: 80, everyMs: 5 });
      for (const [at, pod] of crowd.entries()) {
        if (at < 2) continue;
        await service.setEndpoints(crowd.slice(0, at + 1).map(endpoint));
        await eventually(async () => answersOf(await flow.report()).get(pod.name), { what: `${pod.name} is asked` });
      }
      const [gone] = crowd;
      assert.ok(gone !== undefined);
      const writtenMs = nowMs();
      await service.setEndpoints(crowd.slice(1).map(endpoint));
      await eventually(async () => (nowMs() > writtenMs + 2 * SOON_MS ? true : undefined), { what: 'two seconds' });
      const report = await flow.stop();
      assertNoneLost(report, { name: 'while three endpoints came and one went', atLeast: 80 / PATIENCE });
      const lastMs = (lastAnsweredMs(report, gone.name) ?? 0) - writtenMs;
      console.log(`#     the endpoint that went was asked until ${lastMs.toFixed(0)} ms after the write`);
      assert.ok(lastMs < SOON_MS, `${lastMs.toFixed(0)} ms`);
    });

    test('internalTrafficPolicy Local leads to endpoints of the own node, and nowhere without any', async () => {
      await using service = await forwarded('inner', crowd, { internalTrafficPolicy: 'Local' });
      const here = crowd.filter(({ node }) => node === HOME).map(({ name }) => name);
      const counts = await countAnswers(service, STICKY);
      assert.deepEqual([...counts.keys()].sort(), here);
      await service.setEndpoints(crowd.filter(({ node }) => node !== HOME).map(endpoint));
      await eventually(async () => ((await ask(service, SILENCE_MS)).outcome === 'timeout' ? true : undefined), {
        what: 'no answer',
      });
    });

    test('a load balancer is told which nodes have endpoints, and finds the client’s address kept there', async () => {
      const inner = crowd.filter(({ node }) => node === 'dt-infra1');
      const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
      await using service = await forwarded('balanced', inner, spec);
      const outside = lab.netns('outside');
      const port = service.healthCheckNodePort ?? assert.fail('no health check');
      for (const [node, status, local] of [
        ['dt-infra1', 200, inner.length],
        ['dt-node2', 503, 0],
      ] as const) {
        const health = await eventually(
          async () => {
            const answer = await httpFrom(outside, { ip: NODE_IP[node], port }).catch(() => undefined);
            return answer?.status === status ? answer : undefined;
          },
          { what: `${status} of ${node}` },
        );
        const { localEndpoints, service: named } = JSON.parse(health.body);
        assert.deepEqual(
          { localEndpoints, named },
          { localEndpoints: local, named: { namespace: 'alpha', name: 'balanced' } },
        );
      }
      const nodePort = service.nodePort('http');
      const target = { namespace: outside, port: nodePort, timeoutMs: REPLY_MS };
      const outcome = await probeTcp({ ...target, to: NODE_IP['dt-infra1'] });
      assert.ok(outcome.outcome === 'answered', JSON.stringify(outcome));
      assert.equal(outcome.answer.client, '198.51.100.10');
    });

    test('a load balancer lets in who is in its ranges, and follows them', async () => {
      const to = Ip.parse('10.122.70.125');
      const pods = crowd.slice(0, 1).map(endpoint);
      const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24'] };
      await using _service = await makeService(lab, {
        name: 'alpha/ranged',
        spec,
        loadBalancerIp: `${to}`,
        endpoints: pods,
      });
      const becomes = async (outcome: Outcome['outcome']) =>
        eventually(
          async () => {
            const target = { namespace: lab.netns('outside'), to, port: 80, timeoutMs: SILENCE_MS };
            return (await probeTcp(target)).outcome === outcome ? true : undefined;
          },
          { what: `outside is ${outcome}` },
        );
      await becomes('answered');
      const ref = { namespace: 'alpha', name: 'ranged' };
      for (const [range, outcome] of [
        ['192.0.2.0/24', 'timeout'],
        ['198.51.100.10/32', 'answered'],
      ] as const) {
        await lab.kube.patch('Service', ref, { spec: { loadBalancerSourceRanges: [range] } });
        await becomes(outcome);
      }
    });

    test('rules that somebody flushes come back while a client connects', async () => {
      await using service = await forwarded('flushed', crowd);
      const flow = await traffic.connect(client, { ip: service.clusterIp, port: 80, everyMs: 20 });
      const log = logSince(lab, `${HOME}/agent`);
      const flushedMs = nowMs();
      const [program = '', ...args] = FLUSH[mode];
      await lab.inNetns(`node/${HOME}`, program, ...args);
      await log.says('services reconciled');
      await eventually(() => (nowMs() > flushedMs + 2 * SOON_MS ? true : undefined), { what: 'two seconds' });
      const backMs = answeredSinceMs(await flow.stop()) ?? Number.POSITIVE_INFINITY;
      console.log(`#     connections again ${(backMs - flushedMs).toFixed(0)} ms after the flush`);
      assert.ok(backMs - flushedMs < MENDED_MS, `${(backMs - flushedMs).toFixed(0)} ms`);
    });

    test('an agent that is killed and started again costs no connection', async () => {
      await using service = await forwarded('killed', crowd);
      const flow = await traffic.connect(client, { ip: service.clusterIp, port: 80, everyMs: 20 });
      const daemons = openLab(lab.paths.state);
      const signal = AbortSignal.timeout(60_000 * PATIENCE);
      const log = logSince(lab, `${HOME}/agent`);
      await endDaemon(daemons, `${HOME}/agent`, { signal });
      await startDaemonAgain(daemons, `${HOME}/agent`, signal);
      await log.says('node is ready');
      const readyMs = nowMs();
      await eventually(() => (nowMs() > readyMs + SOON_MS ? true : undefined), { what: 'a second more' });
      assertNoneLost(await flow.stop(), { name: 'while the agent was killed', atLeast: 50 / PATIENCE });
      const rewritten = log.lines().filter(({ message }) => message === 'services reconciled');
      assert.deepEqual(rewritten, [], 'the rules were right, and were written again');
    });

    if (mode === 'iptables')
      test("the article's chains have its names, and count a request to its service", async () => {
        const before = await chainCounts();
        const outcome = await probeTcp({
          namespace: lab.netns('node/dt-infra1'),
          to: Ip.parse('172.30.229.30'),
          port: 9200,
          timeoutMs: REPLY_MS,
        });
        assert.ok(outcome.outcome === 'answered', JSON.stringify(outcome));
        assert.equal(outcome.answer.pod, 'logging/logging-es-1');
        const counted = Object.entries(await chainCounts()).map(([rule, packets]) => [
          rule,
          packets - (before[rule] ?? 0),
        ]);
        assert.deepEqual(counted, [
          ['KUBE-SERVICES → KUBE-SVC-BWSQUABZDDFLJOKN', 1],
          ['KUBE-SVC-BWSQUABZDDFLJOKN → KUBE-SEP-H2SZLG7QT6WVYISM', 1],
          ['KUBE-SEP-H2SZLG7QT6WVYISM → DNAT', 1],
        ]);
      });
  });
}

test('a project that joins another reaches its services within a second, and none of them a second after it left', async () => {
  await using service = await forwarded('joined', crowd);
  const beta = await lab.pod('beta/client');
  const reaches = async () =>
    (await probeTcp({ namespace: beta.netns, to: service.clusterIp, port: 80, timeoutMs: 100 * PATIENCE })).outcome ===
    'answered';
  assert.equal(await reaches(), false);
  const joinedMs = nowMs();
  const [reachedMs] = await Promise.all([
    eventually(async () => ((await reaches()) ? nowMs() : undefined), { what: 'beta reaches alpha' }),
    changeProject('beta', 'join:alpha'),
  ]);
  console.log(`#   reached ${(reachedMs - joinedMs).toFixed(0)} ms after the write`);
  assert.ok(reachedMs - joinedMs < SOON_MS);
  const flow = await traffic.connect(beta, { ip: service.clusterIp, port: 80, everyMs: 20 });
  const leftMs = nowMs();
  await changeProject('beta', 'isolate');
  await eventually(() => (nowMs() > leftMs + 2 * SOON_MS ? true : undefined), { what: 'two seconds' });
  const { attempts } = await flow.stop();
  const lastMs = attempts.findLast(({ pod }) => pod !== null)?.startMs ?? 0;
  console.log(`#   reached until ${(lastMs - leftMs).toFixed(0)} ms after the write`);
  assert.ok(lastMs - leftMs < SOON_MS, `${(lastMs - leftMs).toFixed(0)} ms`);
});

/** By back end, how an administrator empties its rules by mistake. */
const FLUSH: Readonly<Record<ProxyMode, readonly string[]>> = {
  iptables: ['iptables', '-w', '-t', 'nat', '-F', 'KUBE-SERVICES'],
  nftables: ['nft', 'flush', 'table', 'ip', 'tenet'],
};

async function isRunning(pod: { readonly namespace: string; readonly name: string }): Promise<void> {
  const look = async () => ((await lab.kube.get('Pod', pod))?.status?.phase === 'Running' ? true : undefined);
  await eventually(look, { what: `${pod.namespace}/${pod.name} runs` });
}

function endpoint({ ip, node }: LabPod): EndpointWish {
  return { ip, node };
}

/** Makes a service of alpha, and waits until the client's node forwards it. */
async function forwarded(name: string, pods: readonly LabPod[], spec: object = {}): Promise<MadeService> {
  const service = await makeService(lab, {
    name: `alpha/${name}`,
    spec: { ports: ANSWERER_PORTS, ...spec },
    endpoints: pods.map(endpoint),
  });
  await eventually(async () => ((await ask(service)).outcome === 'answered' ? true : undefined), {
    what: `${name} answers`,
  });
  return service;
}

/** Of the crowd the rules of the client's node know these and no others. */
async function rulesName(pods: readonly LabPod[]): Promise<void> {
  await eventually(
    async () => {
      const rules = await lab.inNetns(`node/${HOME}`, 'nft', 'list', 'ruleset');
      return crowd.every((pod) => new RegExp(`\\b${pod.ip}\\b`).test(rules) === pods.includes(pod)) ? true : undefined;
    },
    { what: `rules for ${pods.map(({ name }) => name).join(', ')}` },
  );
}

function ask({ clusterIp }: MadeService, timeoutMs = REPLY_MS) {
  return probeTcp({ namespace: client.netns, to: clusterIp, port: 80, timeoutMs });
}

/** Which pod has answered how many of so many connections. */
async function countAnswers(service: MadeService, total: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let left = total;
  const worker = async () => {
    while (left-- > 0) {
      const outcome = await ask(service);
      assert.ok(outcome.outcome === 'answered', JSON.stringify(outcome));
      counts.set(outcome.answer.pod, (counts.get(outcome.answer.pod) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return counts;
}

/** Packets by the three rules that lead to the article's pod. */
async function chainCounts(): Promise<Record<string, number>> {
  const [service, endpoint] = ['KUBE-SVC-BWSQUABZDDFLJOKN', 'KUBE-SEP-H2SZLG7QT6WVYISM'];
  const save = await lab.inNetns('node/dt-infra1', 'iptables-save', '-c', '-t', 'nat');
  const count = (chain: string, target: string) => {
    const [, packets] = new RegExp(`^\\[(\\d+):\\d+\\] -A ${chain} .*-j ${target}\\b`, 'm').exec(save) ?? [];
    assert.ok(packets !== undefined, `no rule of ${chain} that leads to ${target}`);
    return [`${chain} → ${target}`, Number(packets)] as const;
  };
  return Object.fromEntries([count('KUBE-SERVICES', service), count(service, endpoint), count(endpoint, 'DNAT')]);
}

/** Asks as `oc adm pod-network` does; resolves once it is answered. */
async function changeProject(name: string, request: string): Promise<void> {
  await lab.kube.patch(
    'NetNamespace',
    { name },
    { metadata: { annotations: { [ANNOTATION.changeNetwork]: request } } },
  );
  await eventually(
    async () => {
      const project = await lab.kube.get('NetNamespace', { name });
      return project?.metadata.annotations?.[ANNOTATION.changeNetwork] === undefined ? true : undefined;
    },
    { what: `${request} of ${name} answered` },
  );
}
