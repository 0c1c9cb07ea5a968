import type { KubeObject } from '@tenet/model';
import type { WatchEvent } from './watch-events.ts';

/** One object, reduced: what is kept of it, and which state of it that was. */
export interface Entry<T> {
  readonly key: string;
  /** Differs when the object does: its uid and resourceVersion. */
  readonly version: string;
  /** Absent when the projection failed: the object counts as not there. */
  readonly value?: T;
}

/** What is known of a kind. Only `applyList` and `applyEvents` change it. */
export interface CacheState<T> {
  readonly values: Map<string, T>;
  readonly versions: Map<string, string>;
  /** Where a watch goes on; undefined before the first list. */
  resourceVersion: string | undefined;
}

/** Nothing is known yet. */
export function emptyState<T>(): CacheState<T> {
  return { values: new Map(), versions: new Map(), resourceVersion: undefined };
}

/** `name`, or `namespace/name`. */
export function keyOf({ metadata: { name, namespace } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Changes when the object does; the uid too, since a server that lost its state counts anew. */
export function versionOf({ metadata: { uid = '', resourceVersion = '' } }: KubeObject): string {
  return `${resourceVersion}@${uid}`;
}

/** Are two projections of one object the same for whoever listens? */
export type Same<T> = (a: T, b: T) => boolean;

/** Takes a whole list over: what it does not hold is gone. Returns the keys whose value changed, came or went. */
export function applyList<T>(
  state: CacheState<T>,
  entries: readonly Entry<T>[],
  { resourceVersion, same }: { resourceVersion: string; same: Same<T> },
): Set<string> {
  const changed = new Set<string>();
  const listed = new Set<string>();
  for (const entry of entries) {
    listed.add(entry.key);
    if (state.versions.get(entry.key) !== entry.version) put(state, entry, { changed, same });
  }
  for (const key of [...state.versions.keys()]) if (!listed.has(key)) drop(state, key, changed);
  state.resourceVersion = resourceVersion;
  return changed;
}

/** Takes the events of one batch over, in their order. Returns the keys whose value changed, came or went. */
export function applyEvents<O extends KubeObject, T>(
  state: CacheState<T>,
  events: readonly WatchEvent<O>[],
  { entryOf, same }: { entryOf: (object: O) => Entry<T>; same: Same<T> },
): Set<string> {
  const changed = new Set<string>();
  for (const event of events) {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        put(state, entryOf(event.object), { changed, same });
        state.resourceVersion = event.object.metadata.resourceVersion;
        break;
      case 'DELETED':
        drop(state, keyOf(event.object), changed);
        state.resourceVersion = event.object.metadata.resourceVersion;
        break;
      case 'BOOKMARK':
        state.resourceVersion = event.resourceVersion;
        break;
    }
  }
  return changed;
}

function put<T>(
  state: CacheState<T>,
  { key, version, value }: Entry<T>,
  { changed, same }: { changed: Set<string>; same: Same<T> },
): void {
  state.versions.set(key, version);
  const before = state.values.get(key);
  if (value === undefined) {
    if (state.values.delete(key)) changed.add(key);
  } else {
    state.values.set(key, value);
    if (before === undefined || !same(before, value)) changed.add(key);
  }
}

function drop<T>(state: CacheState<T>, key: string, changed: Set<string>): void {
  state.versions.delete(key);
  if (state.values.delete(key)) changed.add(key);
}
