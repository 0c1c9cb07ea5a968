/**
 * A map to hand out: a snapshot never changes under who holds it, and is the same object for as long as nothing
 * was changed. The copy is made by the first change after a snapshot, so that many changes cost one.
 */
export class SnapshotMap<V> {
  #map = new Map<string, V>();
  #isHeld = false;

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  /** Sets the entry; nothing changes when this very value is there. */
  set(key: string, value: V): void {
    if (this.#map.get(key) !== value || !this.#map.has(key)) this.#own().set(key, value);
  }

  delete(key: string): void {
    if (this.#map.has(key)) this.#own().delete(key);
  }

  snapshot(): ReadonlyMap<string, V> {
    this.#isHeld = true;
    return this.#map;
  }

  #own(): Map<string, V> {
    if (this.#isHeld) this.#map = new Map(this.#map);
    this.#isHeld = false;
    return this.#map;
  }
}
