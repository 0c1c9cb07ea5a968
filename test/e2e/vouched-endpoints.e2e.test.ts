/** Endpoints that a project writes by hand at pods of another, behind addresses at which everybody comes masqueraded. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { probeTcp, probeUdp } from '@tenet/lab';
import { ANNOTATION, LABEL } from '@tenet/model';
import { Ip } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import { type LogSince, logSince } from './agent-log.ts';
import { type MadeService, makeService } from './make-service.ts';
import { type PrivateLab, privateLab } from './private-lab.ts';

const NODES = [
  { name: 'dt-infra1', ip: Ip.parse('10.122.70.72') },
  { name: 'dt-node2', ip: Ip.parse('10.122.70.73') },
] as const;
const EXTERNAL_IP = Ip.parse('10.122.70.126');
const BALANCER_IP = Ip.parse('10.122.70.127');
const OWN = ['alpha/web'];
const STOLEN = ['beta/client', 'beta/db'];
const ALL = [...OWN, ...STOLEN];
const REPLY_MS = 3000 * PATIENCE;
/** Of three endpoints one that is used stays unseen in so many requests once in 40 million times. */
const REQUESTS = 44;

/** Who comes to where. */
const WAYS = ['outside', 'pod/alpha/client', 'pod/beta/client', 'node/dt-infra1'].flatMap((place) => [
  ...NODES.map(({ name, ip }) => ({ place, name: `${place} by ${name}'s node port`, to: ip, isNodePort: true })),
  { place, name: `${place} by the external IP`, to: EXTERNAL_IP, isNodePort: false },
  { place, name: `${place} by the load balancer's`, to: BALANCER_IP, isNodePort: false },
]);
type Way = (typeof WAYS)[number];

let lab: PrivateLab;
let service: MadeService;
/** Since before there was a stolen endpoint. */
let logs: readonly LogSince[];
const made = new AsyncDisposableStack();

before(async () => {
  lab = made.use(await privateLab());
  const [own] = OWN;
  const { ip } = await lab.pod(own ?? '');
  service = made.use(
    await makeService(lab, {
      name: 'alpha/open',
      spec: { type: 'LoadBalancer', externalIPs: [`${EXTERNAL_IP}`], ports: PORTS },
      loadBalancerIp: `${BALANCER_IP}`,
      endpoints: [{ ip }],
    }),
  );
});

after(async () => {
  await made.disposeAsync();
});

const PORTS = [
  { name: 'http', port: 80, targetPort: 8080 },
  { name: 'echo', protocol: 'UDP', port: 81, targetPort: 8081 },
];

test("an endpoint at a pod of one's own is reached, by whoever comes and wherever", async () => {
  for (const way of WAYS)
    await eventually(async () => ((await serversBy(way)).size > 0 ? true : undefined), { what: way.name });
  for (const way of WAYS) assert.deepEqual(await allServersBy(way), OWN, way.name);
});

// A slice that goes and comes within one batch of changes is the same one to who watches: each has a name of its own.
for (const [what, name, labels] of [
  ['by hand', 'stolen', {}],
  ["in the name of the cluster's controller", 'disguised', { [LABEL.managedBy]: 'endpointslice-controller.k8s.io' }],
] as const)
  describe(`endpoints at pods of another project, written ${what}`, () => {
    const stolen = new AsyncDisposableStack();

    before(async () => {
      logs = NODES.map((node) => logSince(lab, `${node.name}/agent`));
      const ref = { namespace: 'alpha', name };
      const ips = await Promise.all(STOLEN.map(async (pod) => (await lab.pod(pod)).ip));
      await lab.kube.create('EndpointSlice', {
        metadata: { ...ref, labels: { ...labels, [LABEL.serviceName]: 'open' } },
        addressType: 'IPv4',
        endpoints: ips.map((ip) => ({ addresses: [`${ip}`], conditions: { ready: true } })),
        ports: PORTS.map(({ name, protocol = 'TCP', targetPort }) => ({ name, protocol, port: targetPort })),
      });
      stolen.defer(async () => void (await lab.kube.delete('EndpointSlice', ref)));
    });

    after(async () => {
      await stolen.disposeAsync();
    });

    test('are told in the log of each node', async () => {
      for (const log of logs) {
        const { service: named, reason } = await log.says('hand-made endpoint is not used');
        assert.deepEqual([named, reason], ['alpha/open', 'its address is that of a pod of beta']);
      }
    });

    for (const way of WAYS)
      test(`are not reached from ${way.name}`, async () => {
        assert.deepEqual(await allServersBy(way), OWN);
      });

    test('are reached from everywhere once that project has joined', async () => {
      await ask('beta', 'join:alpha');
      for (const way of WAYS) await serveBy(way, ALL);
    });

    test('are not reached any more once it is isolated', async () => {
      await ask('beta', 'isolate');
      for (const way of WAYS) await serveBy(way, OWN);
    });

    test('are reached once it is global, and not when it is isolated again', async () => {
      const [way] = WAYS;
      assert.ok(way !== undefined);
      await ask('beta', 'global');
      await serveBy(way, ALL);
      await ask('beta', 'isolate');
      await serveBy(way, OWN);
    });
  });

/** From some moment on these are behind it, and no others. */
async function serveBy(way: Way, pods: readonly string[]): Promise<void> {
  await eventually(async () => ((await allServersBy(way)).join() === pods.join() ? true : undefined), {
    what: `${pods.join(' and ')} serve who comes from ${way.name}`,
  });
}

/** Which pods answer, in order of their names. */
async function allServersBy(way: Way): Promise<string[]> {
  const rounds = await Promise.all(Array.from({ length: REQUESTS / 2 }, () => serversBy(way)));
  return [...new Set(rounds.flatMap((servers) => [...servers]))].sort();
}

/** Who answers one request by either protocol; nobody where nothing is answered. */
async function serversBy({ place, to, isNodePort }: Way): Promise<ReadonlySet<string>> {
  const target = { namespace: lab.netns(place), to, timeoutMs: REPLY_MS };
  const outcomes = await Promise.all([
    probeTcp({ ...target, port: isNodePort ? service.nodePort('http') : 80 }),
    probeUdp({ ...target, port: isNodePort ? service.nodePort('echo') : 81 }),
  ]);
  return new Set(outcomes.flatMap((outcome) => (outcome.outcome === 'answered' ? [outcome.answer.pod] : [])));
}

/** As `oc adm pod-network` does; returns once the controller has answered. */
async function ask(name: string, request: string): Promise<void> {
  const annotations = { [ANNOTATION.changeNetwork]: request };
  await lab.kube.patch('NetNamespace', { name }, { metadata: { annotations } });
  await eventually(
    async () => {
      const object = await lab.kube.get('NetNamespace', { name });
      return object?.metadata.annotations?.[ANNOTATION.changeNetwork] === undefined ? true : undefined;
    },
    { what: `${request} of ${name} is answered` },
  );
}
