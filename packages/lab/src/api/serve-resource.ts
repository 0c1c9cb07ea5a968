import { parseFieldSelector } from './field-selector.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { jsonPatch } from './json-patch.ts';
import { type Labels, parseLabelSelector } from './label-selector.ts';
import type { ListResult } from './list-collection.ts';
import { parseVersion } from './list-collection.ts';
import { mergePatch } from './merge-patch.ts';
import type { StoredObject } from './object.ts';
import { parseRequestPath, type RequestPath } from './request-path.ts';
import { apiVersionOfResource, type ResourceSpec } from './resources.ts';
import { StatusError, successStatus } from './status.ts';
import type { ApiStore, Removal, Target } from './store.ts';
import type { WatchQuery } from './watch-stream.ts';

/** A request for a resource, without its connection. */
export interface ResourceRequest {
  readonly method: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: Uint8Array | undefined;
}

/** What the server does about it: an answer, or a watch to be fed. */
export type ResourceAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: JsonObject }
  | { readonly kind: 'watch'; readonly resource: ResourceSpec; readonly query: WatchQuery };

/** Watches that name no end get one between half an hour and an hour, so that they do not all come back at once. */
const WATCH_MS = 1_800_000;

/** Decides one request. Refusals are thrown as StatusError. `random` is in [0, 1). */
export function serveResource(store: ApiStore, request: ResourceRequest, random: number): ResourceAnswer {
  const path = parseRequestPath(request.pathname);
  const resource = path && store.resources.find(path);
  if (path === undefined || resource === undefined || !fits(path, resource)) throw noSuchPath();
  const scope = { store, request, path, resource };
  return path.name === undefined ? collection(scope, random) : single(scope, path.name);
}

interface Scope {
  readonly store: ApiStore;
  readonly request: ResourceRequest;
  readonly path: RequestPath;
  readonly resource: ResourceSpec;
}

/** Objects of a namespaced kind are in a namespace; a list may go over all. */
function fits({ namespace, name, subresource }: RequestPath, { namespaced, hasStatus }: ResourceSpec): boolean {
  if (!namespaced && namespace !== undefined) return false;
  if (namespaced && namespace === undefined && name !== undefined) return false;
  return subresource === undefined || (subresource === 'status' && hasStatus);
}

function collection({ store, request, path, resource }: Scope, random: number): ResourceAnswer {
  const { query } = request;
  const { namespace } = path;
  const matches = selection(request.query, path, resource);
  switch (request.method) {
    case 'GET': {
      if (isTrue(query, 'watch')) return { kind: 'watch', resource, query: watchQuery(query, matches, random) };
      const result = store.list(resource, {
        namespace,
        matches: query.get('labelSelector') || query.get('fieldSelector') ? matches : undefined,
        limit: naturalNumber(query, 'limit'),
        continue: query.get('continue') ?? undefined,
        resourceVersion: query.get('resourceVersion') ?? undefined,
        resourceVersionMatch: query.get('resourceVersionMatch') ?? undefined,
      });
      return answer(200, listBody(resource, result));
    }
    case 'POST':
      if (resource.namespaced && namespace === undefined) throw notAllowed();
      return answer(201, store.create(resource, objectBody(request), { namespace, dryRun: isDryRun(query) }));
    case 'DELETE': {
      if (resource.namespaced && namespace === undefined) throw notAllowed();
      const result = store.list(resource, { namespace, matches });
      const dryRun = isDryRun(query);
      for (const { metadata } of result.items) {
        store.remove(resource, { name: metadata.name, namespace: metadata.namespace, dryRun });
      }
      return answer(200, listBody(resource, result));
    }
    default:
      throw notAllowed();
  }
}

function single({ store, request, path, resource }: Scope, name: string): ResourceAnswer {
  const { query } = request;
  const subresource = path.subresource === 'status' ? path.subresource : undefined;
  const target: Target = { name, namespace: path.namespace, subresource, dryRun: isDryRun(query) };
  switch (request.method) {
    case 'GET':
      return answer(200, store.get(resource, target));
    case 'PUT':
      return answer(200, store.update(resource, target, objectBody(request)));
    case 'PATCH':
      return answer(
        200,
        store.modify(resource, target, (before) => patched(before, request)),
      );
    case 'DELETE': {
      if (subresource !== undefined) throw notAllowed();
      const removed = store.remove(resource, target, removal(request));
      if (removed.metadata.deletionTimestamp !== undefined) return answer(200, removed);
      const { group, plural } = resource;
      return answer(
        200,
        successStatus({ name, ...(group === '' ? {} : { group }), kind: plural, uid: removed.metadata.uid }),
      );
    }
    default:
      throw notAllowed();
  }
}

function patched(before: StoredObject, request: ResourceRequest): Json {
  const type = mediaTypeOf(request);
  const patch = parsedBody(request);
  if (patch === undefined) throw new StatusError('BadRequest', 'the body of the patch is empty');
  if (type === 'application/merge-patch+json') return mergePatch(before, patch);
  if (type === 'application/json-patch+json') return jsonPatch(before, patch);
  throw unsupported('application/json-patch+json, application/merge-patch+json');
}

/** The object of a create or an update. A client that names no type is taken to mean JSON. */
function objectBody(request: ResourceRequest): Json | undefined {
  const type = mediaTypeOf(request);
  if (type !== '' && type !== 'application/json') throw unsupported('application/json');
  return parsedBody(request);
}

function mediaTypeOf({ contentType }: ResourceRequest): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

function unsupported(accepted: string): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
  return new StatusError('UnsupportedMediaType', message);
}

function selection(
  query: URLSearchParams,
  { namespace }: RequestPath,
  resource: ResourceSpec,
): (object: StoredObject) => boolean {
  const byLabel = parseLabelSelector(query.get('labelSelector') ?? '');
  const byField = parseFieldSelector(query.get('fieldSelector') ?? '', resource);
  const none: Labels = {};
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    byLabel(object.metadata.labels ?? none) &&
    byField(object);
}

function watchQuery(query: URLSearchParams, matches: (object: StoredObject) => boolean, random: number): WatchQuery {
  const resourceVersion = query.get('resourceVersion') ?? '';
  // Refused before the stream begins, while there still is a status to say it with.
  if (resourceVersion !== '') parseVersion(resourceVersion);
  const seconds = naturalNumber(query, 'timeoutSeconds');
  return {
    matches,
    resourceVersion,
    allowWatchBookmarks: isTrue(query, 'allowWatchBookmarks'),
    sendInitialEvents: isTrue(query, 'sendInitialEvents'),
    timeoutMs: seconds ? 1000 * Math.min(seconds, 86_400) : WATCH_MS * (1 + random),
  };
}

function listBody(resource: ResourceSpec, result: ListResult): JsonObject {
  const { continue: token, remainingItemCount } = result;
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOfResource(resource),
    metadata: {
      resourceVersion: String(result.version),
      ...(token === undefined ? {} : { continue: token }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    },
    items: result.items,
  };
}

/** What the DeleteOptions in the body ask for; the query may name the grace, too. */
function removal(request: ResourceRequest): Removal {
  const body = parsedBody(request);
  const options = isJsonObject(body) ? body : {};
  const { uid, resourceVersion } = isJsonObject(options.preconditions) ? options.preconditions : {};
  const grace = naturalNumber(request.query, 'gracePeriodSeconds') ?? options.gracePeriodSeconds;
  return {
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
    ...(typeof grace === 'number' ? { graceSeconds: grace } : {}),
  };
}

function parsedBody({ body }: ResourceRequest): Json | undefined {
  if (body === undefined || body.byteLength === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new StatusError(
      'BadRequest',
      `the body of the request is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function naturalNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new StatusError('BadRequest', `${name}: Invalid value: ${JSON.stringify(text)}`);
  return Number(text);
}

function isTrue(query: URLSearchParams, name: string): boolean {
  return ['true', '1'].includes(query.get(name) ?? '');
}

function isDryRun(query: URLSearchParams): boolean {
  const text = query.get('dryRun') ?? '';
  if (text !== '' && text !== 'All') throw new StatusError('Invalid', `dryRun: Unsupported value: "${text}"`);
  return text === 'All';
}

function answer(status: number, body: JsonObject): ResourceAnswer {
  return { kind: 'answer', status, body };
}

function noSuchPath(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource');
}

function notAllowed(): StatusError {
  return new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}
