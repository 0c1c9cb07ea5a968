import { type KindName, kindPath, type ObjectOf } from '@tenet/model';
import { isTenetError } from '@tenet/std';
import { type Credentials, loadCredentials } from './credentials.ts';
import { failKube } from './errors.ts';
import { type ListOptions, listQuery, pagesOf, type Selection } from './list.ts';
import { openTransport } from './transport.ts';
import { decodeWatch, type WatchEvent } from './watch-events.ts';

/** Names one object of a kind. */
export interface ObjectRef {
  readonly name: string;
  /** Required for namespaced kinds. */
  readonly namespace?: string;
}

/** Where a watch starts, and for how long it is wanted. */
export interface WatchOptions extends Selection {
  /** Events after this version. */
  readonly resourceVersion: string;
  /** The server ends the watch after this many seconds. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
  /** Called when bytes came, even if they make no whole event yet. */
  readonly heard?: () => void;
}

/** What a list comes to: the items, and the version at which they were all true. */
export interface Listed<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

/**
 * The API server, for the kinds of `KINDS`. Every request has a deadline; every failure is one of `KUBE_ERRORS`, except
 * that an aborted signal rejects with its own reason.
 */
export interface KubeClient extends AsyncDisposable {
  /** All objects, read in pages; a list that expires between two pages is started again. */
  list<K extends KindName>(kind: K, options?: ListOptions): Promise<Listed<ObjectOf[K]>>;
  /** As `list`, but each object is reduced to what is wanted of it as its page comes in. */
  listAs<K extends KindName, T>(
    kind: K,
    project: (object: ObjectOf[K]) => T,
    options?: ListOptions,
  ): Promise<Listed<T>>;
  /** Undefined when there is no such object. */
  get<K extends KindName>(kind: K, ref: ObjectRef): Promise<ObjectOf[K] | undefined>;
  /** KUBE_ALREADY_EXISTS when the name is taken. */
  create<K extends KindName>(kind: K, object: ObjectOf[K]): Promise<ObjectOf[K]>;
  /** Replaces the object; KUBE_CONFLICT when its resourceVersion is not the newest. */
  update<K extends KindName>(kind: K, object: ObjectOf[K]): Promise<ObjectOf[K]>;
  /** JSON merge patch (RFC 7386): null removes a field. */
  patch<K extends KindName>(
    kind: K,
    ref: ObjectRef & { readonly subresource?: 'status' },
    mergePatch: object,
  ): Promise<ObjectOf[K]>;
  /**
   * False when it was gone already; KUBE_CONFLICT when the object of that name has another uid. A pod may be given less
   * time to end than it asks for: 0 removes it now.
   */
  delete(kind: KindName, ref: ObjectRef & { readonly uid?: string; readonly graceSeconds?: number }): Promise<boolean>;
  /** Events in the batches in which they arrive, until the server ends the watch. KUBE_GONE: list again. */
  watch<K extends KindName>(kind: K, options: WatchOptions): AsyncGenerator<WatchEvent<ObjectOf[K]>[], void, void>;
}

/** Settings of `openKubeClient`. */
export interface OpenKubeClientOptions {
  /** Path of a kubeconfig; unset: $KUBECONFIG, ~/.kube/config, or the pod's service account. */
  readonly kubeconfig?: string;
  /** Ends every request under way. */
  readonly signal?: AbortSignal;
  readonly userAgent?: string;
  /** How long one request (a page of a list, the headers of a watch) may take; 30 s unless told. */
  readonly deadlineMs?: number;
}

/** Opens a client. Nothing is sent before the first request. */
export async function openKubeClient(options: OpenKubeClientOptions = {}): Promise<KubeClient> {
  const credentials = await loadCredentials(options.kubeconfig);
  return kubeClient(credentials, options);
}

function kubeClient(credentials: Credentials, options: OpenKubeClientOptions): KubeClient {
  const { signal, userAgent = 'tenet', deadlineMs = 30_000 } = options;
  const life = new AbortController();
  const end = () => life.abort(signal?.reason);
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end, { once: true });
  const transport = openTransport({ credentials, deadlineMs, userAgent, signal: life.signal });

  async function listAs<K extends KindName, T>(
    kind: K,
    project: (object: ObjectOf[K]) => T,
    options: ListOptions = {},
  ): Promise<Listed<T>> {
    return await pagesOf({
      project,
      limit: options.limit,
      page: (paging) =>
        transport.json({
          verb: 'list',
          method: 'GET',
          path: kindPath(kind, options),
          query: { ...listQuery(options), ...paging },
          signal: options.signal,
        }),
    });
  }

  return {
    list: (kind, options) => listAs(kind, (object) => object, options),
    listAs,
    async get<K extends KindName>(kind: K, ref: ObjectRef) {
      try {
        const request = { verb: 'get', method: 'GET', path: kindPath(kind, ref) } as const;
        return objectOf<K>(request, await transport.json(request));
      } catch (error) {
        if (isTenetError(error, 'KUBE_NOT_FOUND')) return undefined;
        throw error;
      }
    },
    async create<K extends KindName>(kind: K, object: ObjectOf[K]) {
      const path = kindPath(kind, scopeOf(object));
      const request = { verb: 'create', method: 'POST', path, body: object } as const;
      return objectOf<K>(request, await transport.json(request));
    },
    async update<K extends KindName>(kind: K, object: ObjectOf[K]) {
      const path = kindPath(kind, { ...scopeOf(object), name: object.metadata.name });
      const request = { verb: 'update', method: 'PUT', path, body: object } as const;
      return objectOf<K>(request, await transport.json(request));
    },
    async patch<K extends KindName>(kind: K, ref: ObjectRef & { subresource?: 'status' }, mergePatch: object) {
      const path = `${kindPath(kind, ref)}${ref.subresource === undefined ? '' : `/${ref.subresource}`}`;
      const contentType = 'application/merge-patch+json';
      const request = { verb: 'patch', method: 'PATCH', path, body: mergePatch, contentType } as const;
      return objectOf<K>(request, await transport.json(request));
    },
    async delete(kind, ref) {
      const body = {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        propagationPolicy: 'Background',
        ...(ref.uid === undefined ? {} : { preconditions: { uid: ref.uid } }),
        ...(ref.graceSeconds === undefined ? {} : { gracePeriodSeconds: ref.graceSeconds }),
      };
      try {
        await transport.json({ verb: 'delete', method: 'DELETE', path: kindPath(kind, ref), body });
        return true;
      } catch (error) {
        if (isTenetError(error, 'KUBE_NOT_FOUND')) return false;
        throw error;
      }
    },
    watch<K extends KindName>(kind: K, { resourceVersion, timeoutSeconds, signal, heard, ...selection }: WatchOptions) {
      const request = {
        verb: 'watch',
        method: 'GET',
        path: kindPath(kind, selection),
        query: {
          ...listQuery(selection),
          watch: 'true',
          allowWatchBookmarks: 'true',
          resourceVersion,
          timeoutSeconds: String(timeoutSeconds),
        },
        signal,
      } as const;
      return decodeWatch<ObjectOf[K]>(request, transport.stream(request), heard);
    },
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', end);
      life.abort(new DOMException('the client of the API server was closed', 'AbortError'));
      credentials[Symbol.dispose]();
    },
  };
}

function scopeOf(object: ObjectOf[KindName]): { namespace?: string } {
  const { namespace } = object.metadata;
  return namespace === undefined ? {} : { namespace };
}

/** The rim: what the server says is taken for what it is said to be, once it has the shape of an object. */
function objectOf<K extends KindName>(asked: { verb: string; path: string }, body: unknown): ObjectOf[K] {
  if (typeof body === 'object' && body !== null && 'metadata' in body) return body as ObjectOf[K];
  return failKube('KUBE_MALFORMED', { verb: asked.verb, path: asked.path, problem: 'it has no metadata' });
}
