import { createHash } from 'node:crypto';

/** Choices that a seed decides: begun again with the same seed, the same choices in the same order. */
export interface Seeded {
  /** In [0, 1). */
  next(): number;
  /** In [low, high). */
  between(low: number, high: number): number;
  /** True with this probability. */
  isChance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(from: readonly T[]): T;
}

/**
 * A stream of choices of one's own: of the seed and of a name, so that what one part does does not depend on how
 * often another one has chosen. Mulberry32: 32 bits of state are plenty for a test.
 */
export function seeded(seed: string, name: string): Seeded {
  let state = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE(0);
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    isChance: (probability) => next() < probability,
    pick<T>(from: readonly T[]): T {
      const [chosen] = from.slice(Math.floor(next() * from.length));
      if (chosen === undefined) throw new RangeError('nothing to choose from');
      return chosen;
    },
  };
}
