import { type KubeClient, type WatchCache, watchKind } from '@tenet/kube';
import { LABEL, type ObjectMeta, type PodObject, type ServiceObject } from '@tenet/model';
import { backoffMs, type Clock, isTenetError, type Logger, sentenceOf } from '@tenet/std';
import { endpointGroups, isSelecting } from './endpoint-groups.ts';
import { MANAGED_BY, type OwnedSlice, planSlices } from './plan-slices.ts';

export interface EndpointSliceControllerOptions {
  readonly kube: KubeClient;
  readonly services: WatchCache<ServiceObject>;
  readonly pods: WatchCache<PodObject>;
  readonly slices: WatchCache<OwnedSlice>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** A conflict is over as soon as the watch has brought what another pass wrote. */
const BACKOFF = { firstMs: 20, maxMs: 5_000 };
/** Two passes of one service may cross; that is no news. */
const CROSSED = new Set(['KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS']);

/**
 * Keeps the EndpointSlices of all services with selectors, as kube-controller-manager does: level-triggered, from
 * Services, Pods and Nodes as they are now. It is a client of the API like any other, so that whoever restarts the API
 * server, or edits a slice by hand, finds out what happens then. Slices of others are left alone. Ends with the signal.
 */
export async function runEndpointSliceController(options: EndpointSliceControllerOptions): Promise<void> {
  const { kube, services, pods, slices, log, clock, random, signal } = options;
  const zones = watchKind(kube, 'Node', {
    ...{ log, clock, random, signal },
    project: ({ metadata }) => metadata.labels?.[LABEL.zone] ?? '',
    same: (a, b) => a === b,
  });
  const all = [services, pods, zones, slices];
  // Rejects only when the signal has aborted: then the loop below ends at once.
  await Promise.all(all.map(({ synced }) => synced)).catch(() => {});

  /** Services to look at, and since when. */
  const due = new Map<string, string>();
  /** A slice that is gone cannot say whose it was. */
  const serviceOfSlice = new Map<string, string>();
  let news = Promise.withResolvers<void>();

  function mark(key: string): void {
    if (!due.has(key)) due.set(key, new Date(clock.nowMs()).toISOString());
    news.resolve();
  }

  function markSlice(key: string): void {
    const slice = slices.get(key);
    const before = serviceOfSlice.get(key);
    const now = slice === undefined || !isOurs(slice) ? undefined : serviceOf(slice.metadata);
    if (now === undefined) serviceOfSlice.delete(key);
    else serviceOfSlice.set(key, now);
    for (const service of new Set([before, now])) if (service !== undefined) mark(service);
  }

  function markNamespaces(podKeys: ReadonlySet<string>): void {
    const namespaces = new Set([...podKeys].map((key) => key.split('/')[0]));
    for (const key of services.entries.keys()) if (namespaces.has(key.split('/')[0])) mark(key);
  }

  const markAll = () => {
    for (const key of services.entries.keys()) mark(key);
  };

  async function sync(key: string, triggeredAt: string): Promise<void> {
    const service = services.get(key);
    const existing = [...serviceOfSlice].flatMap(([slice, of]) => (of === key ? (slices.get(slice) ?? []) : []));
    if (service === undefined) return remove(existing);
    if (!isSelecting(service)) return;
    const groups = endpointGroups(service, { pods: podsIn(service), zoneOf: (node) => zones.get(node) || undefined });
    const plan = planSlices(service, groups, { existing, triggeredAt });
    // What is new comes before what is old goes, so that an endpoint that moves is never missing.
    await Promise.all(plan.create.map((slice) => kube.create('EndpointSlice', slice)));
    await Promise.all(plan.update.map((slice) => kube.update('EndpointSlice', slice)));
    await remove(plan.remove);
  }

  function* podsIn({ metadata: { namespace } }: ServiceObject): Generator<PodObject> {
    for (const pod of pods.entries.values()) if (pod.metadata.namespace === namespace) yield pod;
  }

  async function remove(gone: readonly OwnedSlice[]): Promise<void> {
    await Promise.all(gone.map(({ metadata }) => kube.delete('EndpointSlice', refOf(metadata))));
  }

  /** Looks at all that is due; true when every service is as it ought to be. */
  async function pass(): Promise<boolean> {
    const now = [...due];
    due.clear();
    let isWhole = true;
    await Promise.all(
      now.map(async ([key, triggeredAt]) => {
        try {
          await sync(key, triggeredAt);
        } catch (error) {
          if (signal.aborted) return;
          isWhole = false;
          due.set(key, triggeredAt);
          if (!isTenetError(error) || !CROSSED.has(error.code))
            log.warn('endpoint slices not written', { service: key, error: sentenceOf(error) });
        }
      }),
    );
    return isWhole;
  }

  using _services = services.onChange((keys) => keys.forEach(mark));
  using _pods = pods.onChange(markNamespaces);
  using _zones = zones.onChange(markAll);
  using _slices = slices.onChange((keys) => keys.forEach(markSlice));
  for (const key of slices.entries.keys()) markSlice(key);
  markAll();
  signal.addEventListener('abort', () => news.resolve(), { once: true });
  for (let failures = 0; !signal.aborted; ) {
    news = Promise.withResolvers();
    failures = (await pass()) ? 0 : failures + 1;
    if (failures > 0) await clock.sleep(backoffMs(failures, random(), BACKOFF), signal).catch(() => {});
    else if (due.size === 0) await news.promise;
  }
  await Promise.all(all.map(({ ended }) => ended));
}

function isOurs({ metadata }: OwnedSlice): boolean {
  return metadata.labels?.[MANAGED_BY.label] === MANAGED_BY.value;
}

function serviceOf({ namespace, labels }: ObjectMeta): string {
  return `${namespace}/${labels?.[LABEL.serviceName] ?? ''}`;
}

function refOf({ name, namespace = '', uid = '' }: ObjectMeta): { name: string; namespace: string; uid: string } {
  return { name, namespace, uid };
}
