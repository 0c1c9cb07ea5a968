/** Which numbers a pool has: from `first` to `last`, both included. */
export interface NumberPoolSpec {
  readonly first: number;
  readonly last: number;
  /**
   * How many at the beginning are handed out only when nothing else is free: there users may pick their own with little
   * risk that somebody has them by chance (KEP-3070, KEP-3668).
   */
  readonly bandSize: number;
}

/** Numbers of which each has one owner at most: node ports, or addresses counted from the start of their network. */
export class NumberPool {
  readonly #first: number;
  readonly #last: number;
  readonly #bandEnd: number;
  readonly #owners = new Map<number, string>();
  /** Where the search goes on, so that what was just given back is not handed out at once. */
  #cursor: number;
  /** What `next` found last. */
  #offered: number | undefined;

  constructor({ first, last, bandSize }: NumberPoolSpec) {
    if (last < first) throw new RangeError(`there is no number from ${first} to ${last}`);
    this.#first = first;
    this.#last = last;
    this.#bandEnd = Math.min(first + bandSize, last + 1);
    this.#cursor = this.#bandEnd;
  }

  has(number: number): boolean {
    return Number.isInteger(number) && number >= this.#first && number <= this.#last;
  }

  /** True when somebody else has it. */
  isTaken(number: number, by: string): boolean {
    const owner = this.#owners.get(number);
    return owner !== undefined && owner !== by;
  }

  /** A free number that is not among `except`, without taking it; undefined when there is none. */
  next(except: ReadonlySet<number>): number | undefined {
    const isFree = (number: number) => !this.#owners.has(number) && !except.has(number);
    const ranges: readonly (readonly [from: number, to: number])[] = [
      [this.#cursor, this.#last],
      [this.#bandEnd, this.#cursor - 1],
      [this.#first, this.#bandEnd - 1],
    ];
    for (const [from, to] of ranges) {
      for (let number = from; number <= to; number++) {
        if (!isFree(number)) continue;
        this.#offered = number;
        return number;
      }
    }
    return undefined;
  }

  take(number: number, owner: string): void {
    this.#owners.set(number, owner);
    // What a user picks says nothing about where free ones are.
    if (number === this.#offered && number >= this.#bandEnd) this.#cursor = number + 1;
  }

  /** Gives a number back; somebody else's stays theirs. */
  release(number: number, owner: string): void {
    if (this.#owners.get(number) === owner) this.#owners.delete(number);
  }
}
