/** A closed interval and who has it. */
interface Held {
  readonly first: bigint;
  readonly last: bigint;
  readonly owner: string;
}

/**
 * Who has which numbers. Intervals may be claimed that others partly have already: whoever came first keeps its
 * part, the newcomer gets what was free, and so all that anybody claimed is known to be taken.
 */
export class IntervalSet {
  /** Disjoint and ascending. */
  readonly #held: Held[] = [];

  /** Takes what is free in [first, last]; returns the owners of what was not, in ascending order. */
  claim(first: bigint, last: bigint, owner: string): readonly string[] {
    const from = this.#indexOf(first);
    const there = this.#from(from, last);
    const pieces: Held[] = [];
    let next = first;
    for (const held of there) {
      if (held.first > next) pieces.push({ first: next, last: held.first - 1n, owner });
      pieces.push(held);
      next = held.last + 1n;
    }
    if (next <= last) pieces.push({ first: next, last, owner });
    this.#held.splice(from, there.length, ...pieces);
    return [...new Set(there.map((held) => held.owner))];
  }

  /** True when nobody has any number of [first, last]. */
  isFree(first: bigint, last: bigint): boolean {
    const next = this.#held[this.#indexOf(first)];
    return next === undefined || next.first > last;
  }

  /** True when every number of [first, last] is taken. */
  isFull(first: bigint, last: bigint): boolean {
    let next = first;
    for (const held of this.#from(this.#indexOf(first), last)) {
      if (held.first > next) return false;
      next = held.last + 1n;
    }
    return next > last;
  }

  /** Where the first interval stands that ends at or after `number`. */
  #indexOf(number: bigint): number {
    let [low, high] = [0, this.#held.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const held = this.#held[middle];
      if (held !== undefined && held.last < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #from(index: number, last: bigint): readonly Held[] {
    let end = index;
    for (let held = this.#held[end]; held !== undefined && held.first <= last; held = this.#held[end]) end++;
    return this.#held.slice(index, end);
  }
}
