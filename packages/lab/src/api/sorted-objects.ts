import type { StoredObject } from './object.ts';

/** Objects by key, readable in the order of their keys from any place on. */
export class SortedObjects {
  readonly #byKey = new Map<string, StoredObject>();
  /** Sorted when it is next read; a list of many pages must not sort for each. */
  #keys: string[] | undefined;

  get(key: string): StoredObject | undefined {
    return this.#byKey.get(key);
  }

  set(key: string, object: StoredObject): void {
    if (!this.#byKey.has(key)) this.#keys = undefined;
    this.#byKey.set(key, object);
  }

  delete(key: string): void {
    if (this.#byKey.delete(key)) this.#keys = undefined;
  }

  /** All keys in order. */
  get keys(): readonly string[] {
    this.#keys ??= [...this.#byKey.keys()].sort(byCodeUnit);
    return this.#keys;
  }

  /** The objects from a key on, while their keys begin so. */
  *from(start: string, prefix: string): Generator<StoredObject> {
    const keys = this.keys;
    for (let i = lowerBound(keys, start); i < keys.length && keys[i]?.startsWith(prefix); i++) {
      const object = this.#byKey.get(keys[i] ?? '');
      if (object !== undefined) yield object;
    }
  }
}

/** Locale-free order. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where the first key is that is not before this one. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
