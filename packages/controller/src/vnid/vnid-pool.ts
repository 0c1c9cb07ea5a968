import { FIRST_ALLOCATED_VNID, MAX_VNID, type Vnid, vnidOf } from '@tenet/model';

/** Settings of a `VnidPool`. */
export interface VnidPoolOptions {
  /** In [0, 1). */
  readonly random: () => number;
  readonly first?: number;
  readonly last?: number;
}

/**
 * Hands out VNIDs that nobody has: from a random one on, around the end of the range. Like `SubnetAllocator` it is
 * filled with what exists before each use, so a number is free again once its last user is gone. 0 is the global
 * project's, and 1 to 9 are reserved: neither is ever handed out.
 */
export class VnidPool {
  readonly #taken = new Set<number>();
  readonly #random: () => number;
  readonly #first: number;
  readonly #last: number;

  constructor({ random, first = FIRST_ALLOCATED_VNID, last = MAX_VNID }: VnidPoolOptions) {
    if (first < FIRST_ALLOCATED_VNID || last > MAX_VNID || first > last)
      throw new RangeError(`VNIDs ${first} to ${last} cannot be handed out`);
    this.#random = random;
    this.#first = first;
    this.#last = last;
  }

  /** Marks a number as somebody's. Several may have the same. */
  claim(vnid: number): void {
    if (vnid >= this.#first && vnid <= this.#last) this.#taken.add(vnid);
  }

  /** A number that nobody has, now taken; undefined when all are. */
  allocate(): Vnid | undefined {
    const count = this.#last - this.#first + 1;
    if (this.#taken.size === count) return undefined;
    let vnid = this.#first + Math.floor(this.#random() * count);
    while (this.#taken.has(vnid)) vnid = vnid === this.#last ? this.#first : vnid + 1;
    this.#taken.add(vnid);
    return vnidOf(vnid);
  }
}
