import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  ANNOTATION,
  apiVersionOf,
  ENDPOINT_SLICE_CONTROLLER,
  type EndpointSliceObject,
  LABEL,
  type ObjectMeta,
  type ServiceObject,
} from '@tenet/model';
import type { EndpointGroup, SliceEndpoint } from './endpoint-groups.ts';

/** Who writes a slice; slices of others are left alone. */
export const MANAGED_BY = {
  label: LABEL.managedBy,
  value: ENDPOINT_SLICE_CONTROLLER,
} as const;

/** A slice with the metadata that only its writer needs. */
export type OwnedSlice = EndpointSliceObject & {
  readonly metadata: ObjectMeta & { readonly ownerReferences?: unknown };
};

/** What makes the slices of a service what they ought to be. */
export interface SlicePlan {
  readonly create: readonly OwnedSlice[];
  readonly update: readonly OwnedSlice[];
  readonly remove: readonly OwnedSlice[];
}

export interface SlicePlanOptions {
  /** The slices of the service that are ours. */
  readonly existing: readonly OwnedSlice[];
  /** When what leads to this plan happened (RFC 3339). */
  readonly triggeredAt: string;
  /** As kube-controller-manager has it without a flag: 100. */
  readonly maxEndpoints?: number;
}

interface Draft {
  readonly from?: OwnedSlice;
  readonly group: EndpointGroup;
  readonly endpoints: SliceEndpoint[];
}

/**
 * An endpoint stays in the slice that it is in, so that no reader ever misses one that only moved; new ones fill what
 * there is. A slice that is needed no more is used for what is new before it is removed.
 */
export function planSlices(
  service: ServiceObject,
  groups: readonly EndpointGroup[],
  options: SlicePlanOptions,
): SlicePlan {
  const { triggeredAt, maxEndpoints = 100 } = options;
  const existing = options.existing.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  // A service with no endpoint has an empty slice: that it has none is known, then, and not only not heard of.
  const wanted = groups.length === 0 ? [{ ports: [], endpoints: [] }] : groups;
  const spare = existing.filter((slice) => !wanted.some((group) => hasPorts(slice, group)));
  const drafts = wanted.flatMap((group) => {
    const own = existing.filter((slice) => hasPorts(slice, group));
    return fill(group, { own, spare, maxEndpoints });
  });
  const kept = new Set(drafts.map(({ from }) => from));
  const names = namesFor(service, existing);
  const create: OwnedSlice[] = [];
  const update: OwnedSlice[] = [];
  for (const draft of drafts) {
    const slice = sliceOf(service, draft, triggeredAt);
    if (draft.from === undefined) create.push({ ...slice, metadata: { ...slice.metadata, name: names.next().value } });
    else if (!isSame(slice, draft.from)) update.push(slice);
  }
  return { create, update, remove: existing.filter((slice) => !kept.has(slice)) };
}

interface FillOptions {
  readonly own: readonly OwnedSlice[];
  /** Slices for whoever needs one; what is taken is taken out. */
  readonly spare: OwnedSlice[];
  readonly maxEndpoints: number;
}

function fill(group: EndpointGroup, { own, spare, maxEndpoints }: FillOptions): Draft[] {
  const missing = new Map(group.endpoints.map((endpoint) => [endpoint.addresses[0] ?? '', endpoint]));
  const drafts: Draft[] = own.map((from) => {
    const stay = (from.endpoints ?? []).flatMap(({ addresses: [address = ''] }) => {
      const endpoint = missing.get(address);
      missing.delete(address);
      return endpoint ?? [];
    });
    return { from, group, endpoints: stay };
  });
  for (const endpoint of missing.values()) {
    let draft = drafts.find(({ endpoints }) => endpoints.length < maxEndpoints);
    if (draft === undefined) {
      draft = begin(group, spare);
      drafts.push(draft);
    }
    draft.endpoints.push(endpoint);
  }
  const used = drafts.filter(({ endpoints }) => endpoints.length > 0);
  return used.length > 0 ? used : [drafts[0] ?? begin(group, spare)];
}

function begin(group: EndpointGroup, spare: OwnedSlice[]): Draft {
  const from = spare.shift();
  return from === undefined ? { group, endpoints: [] } : { from, group, endpoints: [] };
}

function hasPorts({ ports }: OwnedSlice, group: EndpointGroup): boolean {
  return isDeepStrictEqual(ports ?? [], group.ports);
}

function sliceOf(service: ServiceObject, { from, group, endpoints }: Draft, triggeredAt: string): OwnedSlice {
  const { namespace = '', name, uid = '', labels = {} } = service.metadata;
  const owner = { apiVersion: apiVersionOf('Service'), kind: 'Service', name, uid };
  return {
    apiVersion: apiVersionOf('EndpointSlice'),
    kind: 'EndpointSlice',
    metadata: {
      ...from?.metadata,
      name: from?.metadata.name ?? '',
      namespace,
      // Those of the service too: proxies choose by them what is theirs to serve.
      labels: {
        ...labels,
        [LABEL.serviceName]: name,
        [MANAGED_BY.label]: MANAGED_BY.value,
        ...(service.spec.clusterIP === 'None' ? { [LABEL.headless]: '' } : {}),
      },
      annotations: { ...from?.metadata.annotations, [ANNOTATION.lastChangeTriggerTime]: triggeredAt },
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    addressType: 'IPv4',
    endpoints,
    ports: group.ports,
  };
}

/** The time of the change is no change. */
function isSame(a: OwnedSlice, b: OwnedSlice): boolean {
  const { metadata: x, ...restA } = a;
  const { metadata: y, ...restB } = b;
  return (
    isDeepStrictEqual(restA, restB) &&
    isDeepStrictEqual(x.labels, y.labels) &&
    isDeepStrictEqual(x.ownerReferences, y.ownerReferences)
  );
}

/**
 * Names that follow from the service, so that a create whose answer was lost is found out by the next. They look as
 * those of generateName do.
 */
function* namesFor(
  { metadata: { name, uid = '' } }: ServiceObject,
  existing: readonly OwnedSlice[],
): Generator<string, never> {
  const taken = new Set(existing.map((slice) => slice.metadata.name));
  for (let at = 0; ; at++) {
    const suffix = createHash('sha256').update(`${uid}/${at}`).digest('hex').slice(0, 5);
    if (!taken.has(`${name}-${suffix}`)) yield `${name}-${suffix}`;
  }
}
