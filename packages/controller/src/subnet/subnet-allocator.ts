import type { ClusterRange } from '@tenet/model';
import type { Prefix } from '@tenet/std';
import { IntervalSet } from './interval-set.ts';
import { subnetAt, subnetCount } from './numbering.ts';

/**
 * Hands out subnets from ranges, in the order of the ranges. It is filled with what exists before each use and then
 * thrown away; of its own it has only a cursor per range, so that a subnet that was given back rests for as long as
 * others are free.
 */
export class SubnetAllocator {
  readonly #ranges: readonly ClusterRange[];
  readonly #cursors: number[];
  readonly #taken = new IntervalSet();

  /** `cursors` are those of an earlier allocator of these ranges; they start at 0. */
  constructor(ranges: readonly ClusterRange[], cursors: readonly number[] = []) {
    this.#ranges = ranges;
    this.#cursors = ranges.map((_, at) => cursors[at] ?? 0);
  }

  /** The next number to try in each range. */
  get cursors(): readonly number[] {
    return [...this.#cursors];
  }

  /** Marks an existing subnet of any length as taken; returns who has some of it already, which stays theirs. */
  claim(subnet: Prefix, owner: string): readonly string[] {
    return this.#taken.claim(subnet.address.value, subnet.last.value, owner);
  }

  /** True when one range holds the whole subnet. */
  isInside(subnet: Prefix): boolean {
    return this.#ranges.some(({ cidr }) => cidr.contains(subnet.address) && cidr.length <= subnet.length);
  }

  /** The next free subnet, now taken; undefined when every range is full. */
  allocate(owner: string): Prefix | undefined {
    for (const [at, range] of this.#ranges.entries()) {
      const { cidr } = range;
      if (this.#taken.isFull(cidr.address.value, cidr.last.value)) continue;
      const count = subnetCount(range);
      const start = this.#cursors[at] ?? 0;
      for (let step = 0; step < count; step++) {
        const n = (start + step) % count;
        const subnet = subnetAt(range, n);
        if (!this.#taken.isFree(subnet.address.value, subnet.last.value)) continue;
        this.claim(subnet, owner);
        this.#cursors[at] = (n + 1) % count;
        return subnet;
      }
      this.#cursors[at] = 0;
    }
    return undefined;
  }
}
