import { labHealth, openLab } from '@tenet/lab';
import { Ip } from '@tenet/std';
import type { PrivateLab } from '../e2e/private-lab.ts';
import { clusterFacts } from './cluster-facts.ts';
import { compareInventories, type Inventory, takeInventory } from './inventory.ts';
import { differ, hostVethOf, type LivingPod, nodeLeftovers } from './node-leftovers.ts';

/** A pod whose runtime has given up its DEL is taken away by the agent, a minute after its namespace went. */
const SETTLE_MS = 150_000;
/** What is there for longer is told, whether or not it goes; so many of them. */
const LONG_MS = 20_000;
const TOLD = 4;
const LOOK_MS = 1000;

/** What a lab must come back to: the pods that live on, by UID, and all that there was with them. */
export interface Before {
  readonly uids: readonly string[];
  readonly inventory: Inventory;
}

/** What there is now, before anything else comes and goes. Throws when that is not in order already. */
export async function takeBefore(lab: PrivateLab, signal: AbortSignal): Promise<Before> {
  const { items } = await lab.kube.list('Pod');
  const uids = items.map(({ metadata }) => metadata.uid ?? '');
  const inventory = await takeInventory(lab, nodesOf(lab));
  const before = { uids, inventory };
  const found = await untilSettled(lab, before, signal);
  if (found.length > 0) throw new Error(`the lab is not in order to begin with:\n${found.join('\n')}`);
  return before;
}

/** Every difference that is still there once all has had time to settle: none when nothing is left over. */
export async function untilSettled(lab: PrivateLab, before: Before, signal: AbortSignal): Promise<string[]> {
  const startMs = performance.now();
  for (let isTold = false; ; ) {
    const found = await leftovers(lab, before, signal);
    const tookMs = performance.now() - startMs;
    if (found.length === 0 || tookMs > SETTLE_MS || signal.aborted) return found;
    if (tookMs > LONG_MS && !isTold) {
      console.log(`# ${found.length} differences after ${LONG_MS / 1000} s, such as`);
      for (const difference of found.slice(0, TOLD)) console.log(`#   ${difference}`);
      isTold = true;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function leftovers(lab: PrivateLab, before: Before, signal: AbortSignal): Promise<string[]> {
  const own = openLab(lab.paths.state);
  const nodes = nodesOf(lab);
  const [{ items }, facts, { problems }] = await Promise.all([
    lab.kube.list('Pod'),
    clusterFacts(lab.kube, own.settings.datapath),
    labHealth(own, signal),
  ]);
  const pods = items.flatMap(({ metadata: { uid = '', namespace = '', name }, spec, status }): LivingPod[] =>
    status?.podIP === undefined
      ? []
      : [
          {
            uid,
            project: namespace,
            name,
            node: spec.nodeName ?? '',
            ip: Ip.parse(status.podIP),
            hostVeth: hostVethOf(lab, uid),
          },
        ],
  );
  const perNode = await Promise.all(
    nodes.map((node) =>
      // Whoever does not answer now may do so when asked again.
      nodeLeftovers(lab, node, { pods, facts }).catch((error: unknown) => [`${node}: ${String(error)}`]),
    ),
  );
  const now = await takeInventory(lab, nodes).catch((error: unknown) => new Map([['inventory', [String(error)]]]));
  return [
    ...problems,
    ...differ(
      'pod',
      items.map(({ metadata: { uid = '' } }) => uid),
      before.uids,
    ),
    ...perNode.flat(),
    ...compareInventories(before.inventory, now),
  ];
}

function nodesOf(lab: PrivateLab): string[] {
  return openLab(lab.paths.state).settings.cluster.nodes.map(({ name }) => name);
}
