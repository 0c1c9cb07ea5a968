import { FieldProblems } from './field-problems.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import type { ObjectKey, StoredMeta, StoredObject } from './object.ts';
import { apiVersionOfResource, qualifiedName, type ResourceSpec } from './resources.ts';
import { StatusError } from './status.ts';

/** RFC 1123 §2.1 names joined by dots: what most objects may be called. */
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** Metadata that only the server writes. */
const SERVER_OWNED = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
];

/** What a request says of an object, before the store completes it. */
export interface Submitted {
  readonly body: JsonObject;
  readonly metadata: JsonObject;
}

/** Where a request put the object. */
export interface Place {
  readonly resource: ResourceSpec;
  readonly namespace: string | undefined;
}

/** Reads a body: it must be an object of this resource, in the namespace that the URL names. */
export function submitted(body: Json | undefined, { resource, namespace }: Place): Submitted {
  if (!isJsonObject(body)) throw new StatusError('BadRequest', 'the body of the request is not an object');
  const { apiVersion = apiVersionOfResource(resource), kind = resource.kind, metadata = {} } = body;
  if (kind !== resource.kind) {
    throw new StatusError('BadRequest', `${kind} in the body is not ${resource.kind}, which this path is for`);
  }
  if (apiVersion !== apiVersionOfResource(resource)) {
    const expected = apiVersionOfResource(resource);
    throw new StatusError(
      'BadRequest',
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (!isJsonObject(metadata)) throw new StatusError('BadRequest', 'metadata is not an object');
  const own = metadata.namespace;
  if (own !== undefined && own !== '' && own !== (namespace ?? '')) {
    throw new StatusError(
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  return { body, metadata };
}

/** The name of a new object: its own, or made from generateName. */
export function nameForCreate({ metadata }: Submitted, { resource }: Place, suffix: () => string): string {
  const { name, generateName, resourceVersion } = metadata;
  if (resourceVersion !== undefined && resourceVersion !== '') {
    throw new StatusError('BadRequest', 'resourceVersion should not be set on objects to be created');
  }
  const chosen = name || (typeof generateName === 'string' && generateName !== '' ? `${generateName}${suffix()}` : '');
  if (typeof chosen !== 'string' || chosen === '') {
    throw refused(resource, '', (says) => says.required('metadata.name', 'name or generateName is required'));
  }
  // A Namespace is a DNS label: RFC 1123 names without dots, of at most 63 characters.
  const isLabel = resource.kind === 'Namespace';
  if (!DNS_SUBDOMAIN.test(chosen) || chosen.length > (isLabel ? 63 : 253) || (isLabel && chosen.includes('.'))) {
    const rule = 'must consist of lower case alphanumeric characters, - or ., and be at most 253 characters long';
    throw refused(resource, chosen, (says) => says.invalid('metadata.name', chosen, rule));
  }
  return chosen;
}

/** The new object, complete but for its version. */
export function objectForCreate(
  { body, metadata }: Submitted,
  { resource, namespace }: Place,
  { name, uid, nowMs }: { name: string; uid: string; nowMs: number },
): JsonObject & { readonly metadata: Omit<StoredMeta, 'resourceVersion'> } {
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !SERVER_OWNED.includes(key)));
  const meta = {
    ...kept,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    creationTimestamp: timestamp(nowMs),
  };
  checkStringMaps(resource, meta);
  return {
    ...body,
    apiVersion: apiVersionOfResource(resource),
    kind: resource.kind,
    ...strategy(resource, body, meta),
  };
}

/** RFC 3339 in whole seconds, as Kubernetes writes times (meta/v1 Time). */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** What the built-in kinds get on create, as kube-apiserver gives it. */
function strategy<M extends JsonObject & { readonly name: string }>(resource: ResourceSpec, body: JsonObject, meta: M) {
  if (resource.group !== '') return { metadata: meta };
  if (resource.kind === 'Namespace') {
    const labels = isJsonObject(meta.labels) ? meta.labels : {};
    return {
      metadata: { ...meta, labels: { ...labels, 'kubernetes.io/metadata.name': meta.name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
  }
  // The status of a pod is the kubelet's to write, by the subresource.
  if (resource.kind === 'Pod') return { metadata: meta, spec: body.spec ?? {}, status: { phase: 'Pending' } };
  if (resource.kind === 'Service') return { metadata: meta, status: { loadBalancer: {} } };
  return { metadata: meta };
}

/** Settings of `objectForUpdate`. */
export interface UpdatePlace extends Place {
  readonly name: string;
  readonly subresource: 'status' | undefined;
}

/** The object after an update, complete but for its version; the same content as before when nothing changed. */
export function objectForUpdate(
  { body, metadata }: Submitted,
  before: StoredObject,
  { resource, name, subresource }: UpdatePlace,
): JsonObject & { readonly metadata: StoredMeta } {
  if (metadata.name !== name) {
    const named = JSON.stringify(metadata.name ?? '');
    throw new StatusError(
      'BadRequest',
      `the name of the object (${named}) does not match the name on the URL (${JSON.stringify(name)})`,
    );
  }
  const { uid, resourceVersion } = metadata;
  if (uid !== undefined && uid !== '' && uid !== before.metadata.uid) {
    throw conflict(
      resource,
      { name },
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`,
    );
  }
  if (resourceVersion === undefined || resourceVersion === '') {
    // Custom resources cannot be updated blindly; the built-in kinds here can.
    if (!isBuiltIn(resource)) {
      throw refused(resource, name, (says) =>
        says.invalid('metadata.resourceVersion', '', 'must be specified for an update'),
      );
    }
  } else if (resourceVersion !== before.metadata.resourceVersion) {
    const reason = 'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(resource, { name }, reason);
  }
  if (subresource === 'status') return { ...before, ...(body.status === undefined ? {} : { status: body.status }) };

  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !SERVER_OWNED.includes(key)));
  const owned = Object.fromEntries(Object.entries(before.metadata).filter(([key]) => SERVER_OWNED.includes(key)));
  const { namespace } = before.metadata;
  checkStringMaps(resource, { name, ...kept });
  const { status: _, ...withoutStatus } = body;
  const status = before.status;
  return {
    ...(resource.hasStatus ? { ...withoutStatus, ...(status === undefined ? {} : { status }) } : body),
    apiVersion: before.apiVersion,
    kind: before.kind,
    metadata: {
      ...kept,
      ...owned,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: before.metadata.uid,
      resourceVersion: before.metadata.resourceVersion,
      creationTimestamp: before.metadata.creationTimestamp,
    },
  };
}

/** Kubernetes keeps this domain for itself. */
function isBuiltIn({ group }: ResourceSpec): boolean {
  return group === '' || group.endsWith('.k8s.io');
}

/** Labels and annotations map strings to strings; anything else would break every reader. */
function checkStringMaps(resource: ResourceSpec, metadata: JsonObject & { readonly name: string }): void {
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field];
    if (map === undefined || map === null) continue;
    if (!isJsonObject(map) || Object.values(map).some((value) => typeof value !== 'string')) {
      const problem = `${resource.kind} ${metadata.name}: metadata.${field} must map strings to strings`;
      throw new StatusError('BadRequest', problem);
    }
  }
}

function refused(resource: ResourceSpec, name: string, say: (problems: FieldProblems) => void): StatusError {
  const problems = new FieldProblems();
  say(problems);
  return problems.asError(resource, name);
}

export function conflict(resource: ResourceSpec, { name }: ObjectKey, why: string): StatusError {
  const what = `Operation cannot be fulfilled on ${qualifiedName(resource)} ${JSON.stringify(name)}`;
  return new StatusError('Conflict', `${what}: ${why}`, { name, group: resource.group, kind: resource.plural });
}
