import { KINDS, type KindName, type KindSpec } from '@tenet/model';

/** One collection that the server serves. */
export interface ResourceSpec extends KindSpec {
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** `status` is written through the subresource only. */
  readonly hasStatus: boolean;
  /** What a field selector may name besides metadata.name and metadata.namespace. */
  readonly fields: readonly string[];
}

/** What a kind has beyond its place in the API; the defaults are those of a custom resource. */
type Details = Partial<Pick<ResourceSpec, 'shortNames' | 'hasStatus' | 'fields'>>;

const DETAILS: Partial<Record<KindName, Details>> = {
  Node: { shortNames: ['no'], hasStatus: true, fields: ['spec.unschedulable'] },
  Namespace: { shortNames: ['ns'], hasStatus: true, fields: ['status.phase'] },
  Pod: {
    shortNames: ['po'],
    hasStatus: true,
    fields: ['spec.nodeName', 'spec.hostNetwork', 'spec.restartPolicy', 'status.phase', 'status.podIP'],
  },
  Service: { shortNames: ['svc'], hasStatus: true, fields: ['spec.clusterIP', 'spec.type'] },
  Event: {
    shortNames: ['ev'],
    fields: [
      ...['involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid'],
      ...['involvedObject.apiVersion', 'involvedObject.resourceVersion', 'involvedObject.fieldPath'],
      ...['reason', 'type', 'source', 'reportingComponent'],
    ],
  },
};

/** Which resource a request is for. */
export type ResourceId = Pick<KindSpec, 'group' | 'version' | 'plural'>;

/** The collections that a server has; custom resources are added while it runs. */
export class ResourceTable {
  readonly #byPath = new Map<string, ResourceSpec>();

  constructor(specs: Iterable<ResourceSpec> = builtInResources()) {
    for (const spec of specs) this.add(spec);
  }

  add(spec: ResourceSpec): void {
    this.#byPath.set(pathOf(spec), spec);
  }

  find(id: ResourceId): ResourceSpec | undefined {
    return this.#byPath.get(pathOf(id));
  }

  /** The resource of a kind of ours. */
  ofKind(kind: KindName): ResourceSpec {
    const spec = this.find(KINDS[kind]);
    if (spec === undefined) throw new TypeError(`the server has no resource for ${kind}`);
    return spec;
  }

  get all(): readonly ResourceSpec[] {
    return [...this.#byPath.values()];
  }
}

function builtInResources(): ResourceSpec[] {
  return Object.entries(KINDS).map(([kind, spec]) => ({
    ...spec,
    kind,
    singular: kind.toLowerCase(),
    shortNames: [],
    hasStatus: false,
    fields: [],
    ...DETAILS[kind as KindName],
  }));
}

function pathOf({ group, version, plural }: ResourceId): string {
  return `${group}/${version}/${plural}`;
}

/** As errors name it: `pods`, `hostsubnets.network.openshift.io`. */
export function qualifiedName({ plural, group }: ResourceId): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** `v1`, `network.openshift.io/v1`. */
export function apiVersionOfResource({ group, version }: ResourceId): string {
  return group === '' ? version : `${group}/${version}`;
}
