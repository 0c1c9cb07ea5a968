import type { KubeObject } from '@tenet/model';

/** The cache is asked for the outcome of a write; when it is silent for this long, the API server is. */
const OVERDUE_MS = 5000;

/**
 * What is known of an object besides the cache. `past` holds the UIDs and the `uid@resourceVersion`s that are known
 * to be older than that: versions are compared for equality only, as they are opaque.
 */
type Pending<T> = { readonly past: ReadonlySet<string>; readonly sinceMs: number } & (
  | { readonly state: 'present'; readonly object: T }
  | { readonly state: 'absent' }
  | { readonly state: 'doubtful' }
);

/**
 * The writes that were just made and that a watch cache may not show yet, laid over that cache: without them the next
 * pass would give the same object a second subnet or number. An entry goes as soon as the cache shows that version or
 * one that is not older. Losing all entries with the process is harmless: a new process starts with a fresh list.
 */
export class PendingWrites<T extends KubeObject> {
  readonly #pending = new Map<string, Pending<T>>();

  get size(): number {
    return this.#pending.size;
  }

  /** The server answered a create or a patch with this object; `from` is what the patch was made from. */
  wrote(object: T, { nowMs, from }: { readonly nowMs: number; readonly from?: T }): void {
    const past = this.#past(object.metadata.name);
    if (from !== undefined) past.add(versionOf(from));
    this.#pending.set(object.metadata.name, { state: 'present', object, past, sinceMs: nowMs });
  }

  /** The server deleted the object, or it was gone already. */
  deleted(name: string, { nowMs, uid }: { readonly nowMs: number; readonly uid: string }): void {
    this.#pending.set(name, { state: 'absent', past: this.#past(name).add(uid), sinceMs: nowMs });
  }

  /** Nobody knows what became of a write, or somebody else was faster: ask the server before planning again. */
  doubt(name: string): void {
    this.#pending.set(name, { state: 'doubtful', past: this.#past(name), sinceMs: 0 });
  }

  /** The names to ask the server for before the next pass. */
  overdue(nowMs: number): readonly string[] {
    return [...this.#pending]
      .filter(([, entry]) => entry.state === 'doubtful' || nowMs - entry.sinceMs >= OVERDUE_MS)
      .map(([name]) => name);
  }

  /** What the server answered; `seen` is what the cache had before it was asked. */
  verified(
    name: string,
    { nowMs, object, seen }: { readonly nowMs: number; readonly object: T | undefined; readonly seen: T | undefined },
  ): void {
    const past = this.#past(name);
    if (object === undefined) {
      if (seen !== undefined) past.add(uidOf(seen));
      this.#pending.set(name, { state: 'absent', past, sinceMs: nowMs });
      return;
    }
    // An object with a finalizer survives its deletion for a while.
    past.delete(uidOf(object));
    if (seen !== undefined && versionOf(seen) !== versionOf(object)) past.add(versionOf(seen));
    this.#pending.set(name, { state: 'present', object, past, sinceMs: nowMs });
  }

  /** The cache as it will be once it shows these writes; forgets those that it shows already. */
  over(cache: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
    const view = new Map(cache);
    for (const [name, entry] of this.#pending) {
      const seen = cache.get(name);
      const isLate = seen !== undefined && (entry.past.has(uidOf(seen)) || entry.past.has(versionOf(seen)));
      if (entry.state === 'present' && (seen === undefined || isLate)) view.set(name, entry.object);
      else if (entry.state === 'absent' && isLate) view.delete(name);
      else if (entry.state !== 'doubtful') this.#pending.delete(name);
    }
    return view;
  }

  #past(name: string): Set<string> {
    return new Set(this.#pending.get(name)?.past);
  }
}

function uidOf({ metadata: { uid = '' } }: KubeObject): string {
  return uid;
}

function versionOf({ metadata: { uid = '', resourceVersion = '' } }: KubeObject): string {
  return `${uid}@${resourceVersion}`;
}
