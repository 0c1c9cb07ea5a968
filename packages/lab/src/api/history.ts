import { keyText, type StoredObject } from './object.ts';
import type { ResourceSpec } from './resources.ts';

/** One change of the store. */
export interface Change {
  /** The store's resourceVersion after it; versions have no gaps. */
  readonly version: number;
  readonly resource: ResourceSpec;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
  /** Absent for ADDED. */
  readonly previous?: StoredObject;
}

/** The last changes, in a ring of fixed size: what a watch can be resumed from, and a list be continued at. */
export class History {
  readonly #ring: (Change | undefined)[];
  #length = 0;
  #last: number;

  constructor(size: number, version: number) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`a history of ${size} changes is none`);
    this.#ring = new Array(size);
    this.#last = version;
  }

  /** The version of the newest change. */
  get version(): number {
    return this.#last;
  }

  /** True when every change after this version is still here. */
  holds(version: number): boolean {
    return Number.isInteger(version) && version <= this.#last && version >= this.#last - this.#length;
  }

  add(change: Change): void {
    if (change.version !== this.#last + 1) throw new RangeError(`change ${change.version} comes after ${this.#last}`);
    this.#ring[change.version % this.#ring.length] = change;
    this.#last = change.version;
    this.#length = Math.min(this.#length + 1, this.#ring.length);
  }

  /** The change that led to this version. */
  at(version: number): Change | undefined {
    const change = this.#ring[version % this.#ring.length];
    return change?.version === version ? change : undefined;
  }

  /** The objects of a resource that changed after this version, as they were at it; undefined: not there. */
  stateAt(version: number, resource: ResourceSpec): Map<string, StoredObject | undefined> {
    const past = new Map<string, StoredObject | undefined>();
    for (let next = version + 1; next <= this.#last; next++) {
      const change = this.at(next);
      if (change?.resource !== resource) continue;
      const key = keyText(change.object.metadata);
      if (!past.has(key)) past.set(key, change.previous);
    }
    return past;
  }
}
