import { type KubeClient, watchKind } from '@tenet/kube';
import type { ClusterNetwork, KubeObject, NodeObject } from '@tenet/model';
import { backoffMs, type Clock, isTenetError, type Logger, sentenceOf } from '@tenet/std';
import type { Outcome } from './apply-action.ts';
import { awaitClusterNetwork, clusterNetworkRefusals } from './cluster-network.ts';
import { reportIgnoredEndpoints } from './endpoints/report-ignored-endpoints.ts';
import { OwnedObjects } from './owned-objects.ts';
import { RefusalReport } from './refusal-report.ts';
import { internalAddressOf } from './subnet/host-address.ts';
import { NO_SUBNET_STATE, planSubnets } from './subnet/plan-subnets.ts';
import { planVnids } from './vnid/plan-vnids.ts';
import { Wake } from './wake.ts';

/** Settings of `runController`. */
export interface ControllerOptions {
  /** Should outlive `signal`, so that the write under way when that aborts comes to its end. */
  readonly client: KubeClient;
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1): chooses VNIDs and spreads retries. */
  readonly random: () => number;
  /** Ends the controller. */
  readonly signal: AbortSignal;
  /** Projects that start as global: cluster DNS and the API must be reachable from every project. */
  readonly globalNamespaces?: readonly string[];
}

export const GLOBAL_NAMESPACES = ['default', 'kube-system'] as const;

const BACKOFF = { firstMs: 250, maxMs: 30_000 };
/** A full pass with nothing to wake it. */
const RESYNC_MS = 600_000;
/** After a pass with this outcome the next one comes without being woken. */
const NEXT_PASS_MS = { done: 0, lost: 100, late: 1000, pending: 5000 } as const;

/**
 * Gives each Node a HostSubnet and each Namespace a NetNamespace until the signal aborts. Each pass looks at all
 * there is, so that a missed event costs time, never truth. OBJECT_INVALID when ClusterNetwork `default` makes no
 * sense. One controller at a time: two would hand out the same subnet to two nodes.
 */
export async function runController(options: ControllerOptions): Promise<void> {
  const { client, log, clock, random, globalNamespaces = GLOBAL_NAMESPACES } = options;
  const life = new AbortController();
  const signal = AbortSignal.any([options.signal, life.signal]);
  const watching = { log, clock, random, signal };
  const networks = watchKind(client, 'ClusterNetwork', { ...watching, project: (object) => object });
  const nodes = watchKind(client, 'Node', { ...watching, project: addressed, same: sameNode });
  const namespaces = watchKind(client, 'Namespace', { ...watching, project: bare, same: sameUid });
  const hostSubnets = watchKind(client, 'HostSubnet', { ...watching, project: (object) => object });
  const netNamespaces = watchKind(client, 'NetNamespace', { ...watching, project: (object) => object });
  const caches = [networks, nodes, namespaces, hostSubnets, netNamespaces];

  const wake = new Wake();
  const subnets = new OwnedObjects({ kind: 'HostSubnet', cache: hostSubnets, client, log, clock });
  const projects = new OwnedObjects({ kind: 'NetNamespace', cache: netNamespaces, client, log, clock });
  const report = new RefusalReport({ client, log, clock });
  const global = new Set(globalNamespaces);
  let state = NO_SUBNET_STATE;

  /** Looks at all there is and writes what it lacks; returns after how long to look again, if nothing changes. */
  async function pass(network: ClusterNetwork): Promise<number> {
    const world = { nodes: nodes.entries, hostSubnets: await subnets.view(), network };
    const subnetPlan = planSubnets(world, state);
    state = subnetPlan.state;
    const vnidWorld = {
      namespaces: namespaces.entries,
      netNamespaces: await projects.view(),
      globalNamespaces: global,
    };
    const vnidPlan = planVnids(vnidWorld, { random });
    const [first, second] = await Promise.allSettled([
      subnets.apply(subnetPlan.actions, signal),
      projects.apply(vnidPlan.actions, signal),
    ]);
    if (first.status === 'rejected') throw first.reason;
    if (second.status === 'rejected') throw second.reason;
    const outcomes = [...first.value, ...second.value];
    const refusals = [...clusterNetworkRefusals(networks, network), ...subnetPlan.refusals, ...vnidPlan.refusals];
    await report.tell([...refusals, ...outcomes.filter((outcome) => typeof outcome !== 'string')]);
    return nextPassMs(outcomes, subnets.hasPending || projects.hasPending);
  }

  async function loop(network: ClusterNetwork): Promise<void> {
    for (let failures = 0; ; ) {
      try {
        await wake.wait(await pass(network), { clock, signal });
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        const retryMs = backoffMs(++failures, random(), BACKOFF);
        const remedy = isTenetError(error) ? error.remedy : 'report it with this log line';
        log.warn('pass failed', { failures, retryMs, error: sentenceOf(error), remedy });
        await clock.sleep(retryMs, signal).catch(() => {});
      }
    }
  }

  try {
    const network = await awaitClusterNetwork(networks, { log, clock, signal });
    for (const cache of caches) cache.onChange(() => wake.ring());
    await Promise.all(caches.map((cache) => cache.synced));
    log.info('controller started');
    const reporting = reportIgnoredEndpoints({ client, serviceNetwork: network.serviceNetwork, ...watching });
    await Promise.all([loop(network), reporting]);
  } catch (error) {
    if (!options.signal.aborted) throw error;
  } finally {
    life.abort();
    await Promise.all(caches.map((cache) => cache.ended));
  }
  log.info('controller stopped');
}

function nextPassMs(outcomes: readonly Outcome[], hasPending: boolean): number {
  if (outcomes.includes('done')) return NEXT_PASS_MS.done;
  if (outcomes.includes('lost')) return NEXT_PASS_MS.lost;
  if (outcomes.includes('late')) return NEXT_PASS_MS.late;
  return hasPending ? NEXT_PASS_MS.pending : RESYNC_MS;
}

/** A Node weighs 10 KB, mostly the images that it has; this is what matters of it. */
function addressed({ metadata, status }: NodeObject): NodeObject {
  return { ...bare({ metadata }), status: { addresses: status?.addresses ?? [] } };
}

function bare({ metadata: { name, uid, creationTimestamp } }: KubeObject): KubeObject {
  const created = creationTimestamp === undefined ? {} : { creationTimestamp };
  return { metadata: { name, ...(uid === undefined ? {} : { uid }), ...created } };
}

function sameUid(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid;
}

/** Kubelets write their Node every few minutes; only another UID or address is news. */
function sameNode(a: NodeObject, b: NodeObject): boolean {
  return sameUid(a, b) && internalAddressOf(a) === internalAddressOf(b);
}
