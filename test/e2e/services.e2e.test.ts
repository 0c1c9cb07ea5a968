/**
 * The truth table of services, with real packets: pods of the own project, of another and of the global one, on either
 * node, the nodes themselves and outside, each at every address of services whose endpoints are on one node, on both or
 * nowhere, by TCP and by UDP, with either back end. What must arrive is asked whom it has seen; what must be dropped is
 * found in the counter of its reason, packet by packet.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Netlink } from '@tenet/host';
import { endpointsOf, labHealth, openLab } from '@tenet/lab';
import type { DropClass } from '@tenet/pipeline';
import { Prefix } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import { askCells, isAnswered } from './ask-cells.ts';
import { BACK_ENDS, useBackEnd } from './back-end.ts';
import { guardDropsOf } from './guard-rules.ts';
import { type PrivateLab, privateLab } from './private-lab.ts';
import {
  type Cast,
  type Cell,
  cellsOf,
  makeTruthService,
  ROUTED_TO,
  type TruthService,
  type TruthServiceWish,
} from './truth-table.ts';

/** On an emulated machine only the core is asked for: one of each kind. */
const IS_CORE = PATIENCE > 1;
const SERVICE_NETWORK = Prefix.parse('172.30.0.0/16');

const ENDPOINTS = ['alpha/web', 'alpha/web-2'];
const ALL_SERVICES: readonly (TruthServiceWish & { readonly isCore?: true })[] = [
  { name: 'alpha/of-both', pods: ENDPOINTS, policy: 'Cluster', isCore: true },
  { name: 'alpha/of-both-local', pods: ENDPOINTS, policy: 'Local' },
  { name: 'alpha/of-one', pods: ['alpha/web'], policy: 'Cluster' },
  { name: 'alpha/of-one-local', pods: ['alpha/web'], policy: 'Local', isCore: true },
  { name: 'alpha/of-none', pods: [], policy: 'Cluster', isCore: true },
  { name: 'alpha/of-none-local', pods: [], policy: 'Local' },
  { name: 'logging/of-global', pods: ['logging/logging-es-1'], policy: 'Cluster' },
  { name: 'logging/of-global-local', pods: ['logging/logging-es-1'], policy: 'Local' },
];
const GLOBAL_ON_2 = { namespace: 'logging', name: 'truth' };
const ALL_CLIENTS: readonly { readonly name: string; readonly isCore?: true }[] = [
  { name: 'alpha/web', isCore: true },
  { name: 'alpha/client', isCore: true },
  { name: 'beta/db', isCore: true },
  { name: 'beta/client' },
  { name: 'logging/logging-es-1' },
  ...(IS_CORE ? [] : [{ name: 'logging/truth' }]),
  { name: 'dt-infra1' },
  { name: 'dt-node2', isCore: true },
  { name: 'outside', isCore: true },
];

const ICMP_LIMIT = 'net.ipv4.icmp_ratelimit';

/** What hosts say of themselves, whoever asks for services. */
const NOISE: readonly DropClass[] = ['ipv6', 'ethertype'];

let lab: PrivateLab;
let cast: Cast;
let services: readonly TruthService[];
const made = new AsyncDisposableStack();

before(async () => {
  lab = made.use(await privateLab({ proxy: BACK_ENDS[0] }));
  if (!IS_CORE) await makeGlobalPod();
  const here = openLab(lab.paths.state);
  const { status } = await labHealth(here, AbortSignal.timeout(30_000 * PATIENCE));
  cast = new Map(endpointsOf(here, status).map((endpoint) => [endpoint.name, endpoint]));
  const wishes = ALL_SERVICES.filter(({ isCore = false }) => isCore || !IS_CORE);
  services = await Promise.all(
    wishes.map(async (wish, number) => {
      const service = await makeTruthService(lab, cast, { ...wish, number });
      made.use(service.made);
      return service;
    }),
  );
  routeServices();
  await answerAll();
});

after(async () => {
  await made.disposeAsync();
});

for (const mode of BACK_ENDS) {
  describe(`services forwarded by ${mode}`, () => {
    let cells: readonly Cell[];

    before(async () => {
      await useBackEnd(lab, mode);
      const clients = ALL_CLIENTS.filter(({ isCore = false }) => isCore || !IS_CORE).map(({ name }) => name);
      cells = cellsOf(cast, clients, services);
      const kinds = `${services.length} services, ${clients.length} clients`;
      console.log(`#   ${mode}: ${cells.length} requests (${kinds}${IS_CORE ? ', the core of them' : ''})`);
      await allForwarded();
    });

    test('whoever may reach an endpoint does, is seen as promised, and is refused at once where there is none', async () => {
      const asked = cells.filter(isAnswered);
      assert.ok(asked.length > cells.length / 2, `${asked.length} of ${cells.length}`);
      assert.deepEqual(await askCells(asked), []);
    });

    test('nobody else does, and every packet that br0 or the guards have dropped is counted for its reason', async () => {
      const asked = cells.filter((cell) => !isAnswered(cell));
      assert.ok(asked.length > cells.length / 10, `${asked.length} of ${cells.length}`);
      const wanted = wantedCounts(asked);
      const before = await countsNow();
      assert.deepEqual(await askCells(asked), []);
      await countedAre(wanted, before);
      const reasons = [...wanted].map(([of, packets]) => `${packets} ${of}`).join(', ');
      console.log(`#     ${asked.length} of ${cells.length} not answered: ${reasons}, the rest without endpoint here`);
    });
  });
}

/** A pod of the global project on the node where the article has none. */
async function makeGlobalPod(): Promise<void> {
  await lab.kube.create('Pod', {
    metadata: GLOBAL_ON_2,
    spec: { nodeName: 'dt-node2', containers: [{ name: 'answerer' }] },
  });
  made.defer(async () => void (await lab.kube.delete('Pod', GLOBAL_ON_2)));
  await eventually(
    async () => ((await lab.kube.get('Pod', GLOBAL_ON_2))?.status?.phase === 'Running' ? true : undefined),
    { what: 'the pod runs' },
  );
}

/** Outside's router sends cluster IPs to a node. */
function routeServices(): void {
  const node = cast.get(ROUTED_TO);
  assert.ok(node !== undefined);
  const route = { destination: SERVICE_NETWORK, gateway: node.ip };
  using router = Netlink.open(lab.paths.namespace('underlay'));
  router.replaceRoute(route);
  made.defer(() => {
    using again = Netlink.open(lab.paths.namespace('underlay'));
    again.deleteRoute(route);
  });
}

/** Else a host tells one client of so many packets a second only that nobody serves them (icmp_ratelimit in icmp(7)). */
async function answerAll(): Promise<void> {
  for (const { kind, name } of cast.values()) {
    if (kind !== 'node') continue;
    const set = (value: string) => lab.inNetns(`node/${name}`, 'sysctl', '-qw', `${ICMP_LIMIT}=${value}`);
    const usual = (await lab.inNetns(`node/${name}`, 'sysctl', '-n', ICMP_LIMIT)).trim();
    await set('0');
    made.defer(async () => void (await set(usual)));
  }
}

/** Both nodes know all services: each is asked for as a node may, without waiting for what is not there yet. */
async function allForwarded(): Promise<void> {
  const nodes = [...cast.values()].filter(({ kind }) => kind === 'node').map(({ name }) => name);
  const asked = cellsOf(cast, nodes, services).filter(({ where }) => where === 'cluster IP');
  let wrong: string[] = [];
  await eventually(
    async () => {
      wrong = await askCells(asked);
      return wrong.length === 0 ? true : undefined;
    },
    { what: 'all services on both nodes' },
  ).catch((error: unknown) => assert.fail(`${error}: ${wrong.join('; ')}`));
}

/** By class of br0 or guard of a host, over all nodes: which node drops may depend on the endpoint that was chosen. */
type Counts = ReadonlyMap<string, number>;

function wantedCounts(cells: readonly Cell[]): Counts {
  const counts = new Map<string, number>();
  for (const { expected } of cells) {
    const reasons = new Set(expected.map((each) => ('as' in each ? each.as : each.kind)));
    const [reason = ''] = reasons;
    assert.equal(reasons.size, 1, `one reason, whichever endpoint is chosen: ${[...reasons]}`);
    // A load balancer is to look elsewhere: of that nobody keeps count.
    if (reason !== 'ignored') counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

async function countsNow(): Promise<Counts> {
  const counts = new Map<string, number>();
  for (const { kind, name } of cast.values()) {
    if (kind !== 'node') continue;
    const drops = [...(await lab.drops(name))].filter(([of]) => !NOISE.includes(of));
    for (const [of, packets] of [...drops, ...(await guardDropsOf(lab, name))])
      counts.set(of, (counts.get(of) ?? 0) + packets);
  }
  return counts;
}

/** What is wanted has been counted, and nothing else has. */
async function countedAre(wanted: Counts, before: Counts): Promise<void> {
  let counted: Record<string, number> = {};
  await eventually(
    async () => {
      const now = await countsNow();
      const since = [...now].map(([of, packets]) => [of, packets - (before.get(of) ?? 0)] as const);
      counted = Object.fromEntries(since.filter(([, packets]) => packets !== 0));
      return [...wanted].every(([of, packets]) => (counted[of] ?? 0) >= packets) ? true : undefined;
    },
    { what: 'the drops counted', deadlineMs: 5000 },
  ).catch(() => {});
  assert.deepEqual(counted, Object.fromEntries(wanted));
}
