/** Runs what has the same key one after the other, and what has another key at the same time. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** True while something with this key runs or waits. */
  isBusy(key: string): boolean {
    return this.#tails.has(key);
  }

  /** How many keys have something that runs or waits. */
  get size(): number {
    return this.#tails.size;
  }

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const previous = this.#tails.get(key);
    const current = (previous ?? Promise.resolve()).then(task, task);
    this.#tails.set(key, current);
    try {
      return await current;
    } finally {
      if (this.#tails.get(key) === current) this.#tails.delete(key);
    }
  }
}
