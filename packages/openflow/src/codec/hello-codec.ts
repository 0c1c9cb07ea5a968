/** The version bitmap of a hello (OpenFlow 1.4.1 §7.5.1). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import { readProperties } from './properties.ts';

const VERSION_BITMAP = 1;
const WORD_BITS = 32;

/** Writes the versions below 32 as one bitmap element; nothing when they are not given. */
export function writeHelloVersions(w: ByteWriter, versions: readonly number[] | undefined): void {
  if (versions === undefined) return;
  w.u16(VERSION_BITMAP).u16(8);
  w.u32(versions.reduce((bits, version) => bits | (1 << version), 0) >>> 0);
}

/** The versions of the bitmap, or undefined when there is none; other elements are to be ignored. */
export function readHelloVersions(r: ByteReader): readonly number[] | undefined {
  let versions: number[] | undefined;
  for (const { type, value: element } of readProperties(r, 'hello')) {
    if (type !== VERSION_BITMAP) continue;
    versions = [];
    for (let first = 0; element.left >= 4; first += WORD_BITS) {
      const word = element.u32();
      for (let bit = 0; bit < WORD_BITS; bit++) if ((word >>> bit) & 1) versions.push(first + bit);
    }
  }
  r.rest();
  return versions;
}

/**
 * The version that two sides speak: the highest that both bitmaps have, else the lower of both headers
 * (OpenFlow 1.4.1 §6.3.1). Undefined when there is none.
 */
export function agreedVersion(
  ours: readonly number[],
  header: number,
  theirs: readonly number[] | undefined,
): number | undefined {
  if (theirs === undefined) {
    const lower = Math.min(Math.max(...ours), header);
    return ours.includes(lower) ? lower : undefined;
  }
  const both = ours.filter((version) => theirs.includes(version));
  return both.length === 0 ? undefined : Math.max(...both);
}
