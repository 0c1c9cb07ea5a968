import type { Change } from './history.ts';
import type { JsonObject } from './json.ts';
import { parseVersion } from './list-collection.ts';
import type { StoredObject } from './object.ts';
import { apiVersionOfResource, type ResourceSpec } from './resources.ts';
import { StatusError } from './status.ts';
import type { ApiStore } from './store.ts';

/** What a watch asks for. */
export interface WatchQuery {
  /** Selectors and namespace in one. */
  readonly matches: (object: StoredObject) => boolean;
  /** Events after this version; empty or `0`: what is there first, as ADDED. */
  readonly resourceVersion: string;
  readonly allowWatchBookmarks: boolean;
  /** What is there first, then a bookmark that says so, whatever the version. */
  readonly sendInitialEvents: boolean;
  readonly timeoutMs: number;
}

/** Where the lines of a watch go. */
export interface WatchSink {
  /** Writes a line; resolves when the next may follow, rejects when the reader is gone or too slow. */
  write(line: string): Promise<void>;
  /** Aborts when the reader is gone. */
  readonly signal: AbortSignal;
}

/** Settings of `streamWatch`. */
export interface StreamWatchOptions {
  readonly resource: ResourceSpec;
  readonly query: WatchQuery;
  readonly sink: WatchSink;
  /** A bookmark this often keeps the reader's version fresh in a quiet cluster, and finds readers that died. */
  readonly bookmarkMs: number;
  readonly nowMs: () => number;
}

/** Marks the end of what was there at first. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Feeds one watch until its time is over or its reader is gone. It keeps a place in the store's history, not a queue:
 * a reader that falls behind the history is told 410 and let go, and costs nothing until then.
 */
export async function streamWatch(store: ApiStore, options: StreamWatchOptions): Promise<void> {
  const { resource, query, sink, bookmarkMs, nowMs } = options;
  const { matches } = query;
  const hasInitial = query.sendInitialEvents || query.resourceVersion === '' || query.resourceVersion === '0';
  const endMs = nowMs() + query.timeoutMs;
  let version = hasInitial ? store.version : parseVersion(query.resourceVersion);
  let bookmarkDueMs = nowMs() + bookmarkMs;

  const bookmark = (annotations?: JsonObject) => sink.write(bookmarkLine(resource, version, annotations));

  if (hasInitial) {
    for (const object of store.list(resource, { matches }).items) await sink.write(eventLine('ADDED', object));
    if (query.sendInitialEvents && query.allowWatchBookmarks) await bookmark({ [INITIAL_EVENTS_END]: 'true' });
  }
  using wake = wakeUp(store, sink.signal);
  while (!sink.signal.aborted) {
    if (!store.history.holds(version)) {
      await sink.write(`${JSON.stringify({ type: 'ERROR', object: tooOld(version, store.version).status })}\n`);
      return;
    }
    const change = version < store.version ? store.history.at(version + 1) : undefined;
    if (change !== undefined) {
      const line = change.resource === resource ? lineFor(change, matches) : undefined;
      if (line !== undefined) await sink.write(line);
      version = change.version;
      continue;
    }
    const now = nowMs();
    if (now >= endMs) {
      if (query.allowWatchBookmarks) await bookmark();
      return;
    }
    if (query.allowWatchBookmarks && now >= bookmarkDueMs) {
      await bookmark();
      bookmarkDueMs = now + bookmarkMs;
    }
    await wake.next(Math.min(endMs, query.allowWatchBookmarks ? bookmarkDueMs : endMs) - now);
  }
}

/** What a change is to a reader who sees only what its selectors match: leaving the selection is being deleted. */
export function eventOf(
  { type, object, previous }: Change,
  matches: (object: StoredObject) => boolean,
): { type: Change['type']; object: StoredObject } | undefined {
  const was = previous !== undefined && matches(previous);
  const is = type !== 'DELETED' && matches(object);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was || previous === undefined) return undefined;
  const { resourceVersion } = object.metadata;
  return { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } };
}

function lineFor(change: Change, matches: (object: StoredObject) => boolean): string | undefined {
  const event = eventOf(change, matches);
  return event && eventLine(event.type, event.object);
}

function eventLine(type: Change['type'], object: StoredObject): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function bookmarkLine(resource: ResourceSpec, version: number, annotations?: JsonObject): string {
  const metadata = { resourceVersion: String(version), creationTimestamp: null, ...(annotations && { annotations }) };
  const object = { kind: resource.kind, apiVersion: apiVersionOfResource(resource), metadata };
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
}

function tooOld(version: number, current: number): StatusError {
  return new StatusError('Expired', `too old resource version: ${version} (${current})`);
}

/** Sleep that a change, or the end of the reader, cuts short. */
function wakeUp(store: ApiStore, signal: AbortSignal): Disposable & { next(ms: number): Promise<void> } {
  let wake = () => {};
  const subscription = store.onChange(() => wake());
  const end = () => wake();
  signal.addEventListener('abort', end, { once: true });
  return {
    next: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, ms));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (signal.aborted) wake();
      }),
    [Symbol.dispose]() {
      subscription[Symbol.dispose]();
      signal.removeEventListener('abort', end);
    },
  };
}
