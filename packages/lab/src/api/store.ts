import { KINDS } from '@tenet/model';
import { Prefix } from '@tenet/std';
import { conflict, nameForCreate, objectForCreate, objectForUpdate, submitted, timestamp } from './admission.ts';
import { type Change, History } from './history.ts';
import { isSameJson, type Json, type JsonObject, valueAt } from './json.ts';
import type { KindRules } from './kind-rules.ts';
import { type ListQuery, type ListResult, listCollection } from './list-collection.ts';
import { keyText, type ObjectKey, type StoredObject } from './object.ts';
import { qualifiedName, type ResourceSpec, ResourceTable } from './resources.ts';
import { ENDPOINT_SLICE_RULES } from './services/endpoint-slice-rules.ts';
import { ServiceRules } from './services/service-rules.ts';
import { SortedObjects } from './sorted-objects.ts';
import { StatusError } from './status.ts';

/** Settings of `ApiStore`. */
export interface ApiStoreOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** A new uid, and the source of generated names. */
  readonly uid: () => string;
  readonly resources?: ResourceTable;
  /** How many changes a watch can be behind; 20,000 unless told. */
  readonly historySize?: number;
  /** Namespaces that are there from the start. */
  readonly namespaces?: readonly string[];
  /** Where cluster IPs come from; 172.30.0.0/16 unless told. */
  readonly serviceNetwork?: Prefix;
}

/** Which object, and how. */
export interface Target extends ObjectKey {
  readonly subresource?: 'status' | undefined;
  /** Say what would happen, and change nothing. */
  readonly dryRun?: boolean | undefined;
}

/** What must be true of an object that is to be removed, and how. */
export interface Removal {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** 0 removes a pod at once; unset: as it says itself. */
  readonly graceSeconds?: number | undefined;
}

const NAMESPACES_OF_EVERY_CLUSTER = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const DEFAULT_SERVICE_NETWORK = Prefix.parse('172.30.0.0/16');
const UNDELETABLE = ['default', 'kube-system', 'kube-public'];

/**
 * The objects of a cluster, as an API server holds them: one version counter for all, optimistic concurrency, and a
 * history from which watches are fed. Does no I/O. Every refusal is a StatusError.
 *
 * Versions begin at the time of the store's making in milliseconds: a client that knew an earlier store, lost since, has
 * a version that this one never had, and is told so (410) instead of missing what changed.
 */
export class ApiStore {
  readonly resources: ResourceTable;
  readonly history: History;
  readonly #options: ApiStoreOptions;
  readonly #collections = new Map<ResourceSpec, SortedObjects>();
  readonly #listeners = new Set<() => void>();
  /** By resource, as errors name it. */
  readonly #rules: ReadonlyMap<string, KindRules>;

  constructor(options: ApiStoreOptions) {
    this.#options = options;
    this.resources = options.resources ?? new ResourceTable();
    this.history = new History(options.historySize ?? 20_000, options.nowMs());
    this.#rules = new Map<string, KindRules>([
      [qualifiedName(KINDS.Service), new ServiceRules(options.serviceNetwork ?? DEFAULT_SERVICE_NETWORK)],
      [qualifiedName(KINDS.EndpointSlice), ENDPOINT_SLICE_RULES],
    ]);
    const namespaces = this.resources.find(KINDS.Namespace);
    for (const name of options.namespaces ?? NAMESPACES_OF_EVERY_CLUSTER) {
      if (namespaces !== undefined) this.create(namespaces, { metadata: { name } });
    }
  }

  /** The version of the newest change. */
  get version(): number {
    return this.history.version;
  }

  get(resource: ResourceSpec, key: ObjectKey): StoredObject {
    const object = this.#collection(resource).get(keyText(key));
    if (object === undefined) throw notFound(resource, key);
    return object;
  }

  list(resource: ResourceSpec, query: ListQuery = {}): ListResult {
    return listCollection(resource, { objects: this.#collection(resource), history: this.history, query });
  }

  create(
    resource: ResourceSpec,
    body: Json | undefined,
    { namespace, dryRun }: { namespace?: string | undefined; dryRun?: boolean | undefined } = {},
  ): StoredObject {
    const place = { resource, namespace };
    const asked = submitted(body, place);
    const name = nameForCreate(asked, place, () => this.#options.uid().replaceAll('-', '').slice(-5));
    const key = { name, namespace };
    if (namespace !== undefined) this.#demandNamespace(namespace);
    if (this.#collection(resource).get(keyText(key)) !== undefined) {
      const message = `${qualifiedName(resource)} ${JSON.stringify(name)} already exists`;
      throw new StatusError('AlreadyExists', message, { name, group: resource.group, kind: resource.plural });
    }
    const { uid, nowMs } = this.#options;
    const completed = objectForCreate(asked, place, { name, uid: uid(), nowMs: nowMs() });
    const object = this.#rulesOf(resource)?.admit(completed, undefined) ?? completed;
    return this.#commit({ resource, type: 'ADDED', object, dryRun });
  }

  update(resource: ResourceSpec, { subresource, dryRun, ...key }: Target, body: Json | undefined): StoredObject {
    const place = { resource, namespace: key.namespace, name: key.name, subresource };
    const asked = submitted(body, place);
    const previous = this.get(resource, key);
    const merged = objectForUpdate(asked, previous, place);
    const rules = subresource === undefined ? this.#rulesOf(resource) : undefined;
    const object = rules?.admit(merged, previous) ?? merged;
    // An update that changes nothing makes no version and no event.
    if (isSameJson(object, previous)) return previous;
    return this.#commit({ resource, type: 'MODIFIED', object, previous, dryRun });
  }

  /** Update as a function of what is there: a patch. */
  modify(resource: ResourceSpec, target: Target, change: (before: StoredObject) => Json): StoredObject {
    return this.update(resource, target, change(this.get(resource, target)));
  }

  /**
   * Removes an object, for a Namespace with all that is in it; returns its last state. A pod on a node that asks for time
   * is only marked: its kubelet removes it at the end. Without asking it gets none, where Kubernetes gives it 30 s.
   */
  remove(
    resource: ResourceSpec,
    { dryRun, ...key }: Target,
    { uid, resourceVersion, graceSeconds }: Removal = {},
  ): StoredObject {
    const previous = this.get(resource, key);
    const { metadata } = previous;
    if (uid !== undefined && uid !== metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
      throw conflict(resource, key, why);
    }
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
      const versions = `${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
      throw conflict(resource, key, `Precondition failed: ResourceVersion in precondition: ${versions}`);
    }
    const isNamespace = resource.kind === 'Namespace' && resource.group === '';
    if (isNamespace && UNDELETABLE.includes(key.name)) {
      throw new StatusError('Forbidden', `namespaces "${key.name}" is forbidden: this namespace may not be deleted`);
    }
    const grace = resource.kind === 'Pod' && resource.group === '' ? (graceSeconds ?? graceSecondsOf(previous)) : 0;
    if (grace > 0) {
      if (metadata.deletionTimestamp !== undefined) return previous;
      const object = { ...previous, metadata: { ...metadata, ...ending(this.#options.nowMs(), grace) } };
      return this.#commit({ resource, type: 'MODIFIED', object, previous, dryRun });
    }
    if (isNamespace && dryRun !== true) this.#empty(key.name);
    return this.#commit({ resource, type: 'DELETED', object: previous, previous, dryRun });
  }

  /** Called after each change. */
  onChange(listener: () => void): Disposable {
    const own = () => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** How many listen: one for each watch that is served. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  #commit({ dryRun, resource, object, ...change }: Draft): StoredObject {
    const version = this.version + (dryRun === true ? 0 : 1);
    const { apiVersion, kind, metadata, ...rest } = object;
    const stored = {
      apiVersion,
      kind,
      metadata: { ...metadata, resourceVersion: String(version) },
      ...rest,
    } as unknown as StoredObject;
    if (dryRun === true) return stored;
    const key = keyText(stored.metadata);
    if (change.type === 'DELETED') this.#collection(resource).delete(key);
    else this.#collection(resource).set(key, stored);
    this.#rulesOf(resource)?.stored?.(change.type === 'DELETED' ? undefined : stored, change.previous);
    this.history.add({ ...change, resource, object: stored, version });
    for (const listener of [...this.#listeners]) listener();
    return stored;
  }

  #empty(namespace: string): void {
    for (const [resource, objects] of this.#collections) {
      if (!resource.namespaced) continue;
      for (const object of [...objects.from(`${namespace}/`, `${namespace}/`)]) {
        this.#commit({ resource, type: 'DELETED', object, previous: object });
      }
    }
  }

  #demandNamespace(name: string): void {
    const namespaces = this.resources.find(KINDS.Namespace);
    if (namespaces !== undefined) this.get(namespaces, { name });
  }

  #rulesOf(resource: ResourceSpec): KindRules | undefined {
    return this.#rules.get(qualifiedName(resource));
  }

  #collection(resource: ResourceSpec): SortedObjects {
    const known = this.#collections.get(resource);
    if (known !== undefined) return known;
    const objects = new SortedObjects();
    this.#collections.set(resource, objects);
    return objects;
  }
}

function graceSecondsOf({ spec }: StoredObject): number {
  const seconds = valueAt(spec, ['terminationGracePeriodSeconds']);
  return typeof seconds === 'number' && typeof valueAt(spec, ['nodeName']) === 'string' ? seconds : 0;
}

function ending(nowMs: number, graceSeconds: number): JsonObject {
  return { deletionTimestamp: timestamp(nowMs + graceSeconds * 1000), deletionGracePeriodSeconds: graceSeconds };
}

interface Draft {
  readonly resource: ResourceSpec;
  readonly type: Change['type'];
  readonly object: JsonObject & { readonly metadata: JsonObject };
  readonly previous?: StoredObject;
  readonly dryRun?: boolean | undefined;
}

function notFound(resource: ResourceSpec, { name }: ObjectKey): StatusError {
  const message = `${qualifiedName(resource)} ${JSON.stringify(name)} not found`;
  return new StatusError('NotFound', message, { name, group: resource.group, kind: resource.plural });
}
