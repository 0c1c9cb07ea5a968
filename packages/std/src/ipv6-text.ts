import { formatIpv4, parseIpv4 } from './ipv4-text.ts';

/** Reads the text forms of RFC 4291 §2.2, an embedded IPv4 tail too; undefined when it is none of them. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  // Only the last 32 bits may be a dotted quad: behind :: or, without it, at the end (RFC 4291 §2.2 point 3).
  const [head, tail] = halves.map((half, at) => groups(half, at === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const zeros = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? zeros !== 0 : zeros < 1) return undefined;
  const all = [...head, ...Array<number>(zeros).fill(0), ...(tail ?? [])];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
}

function groups(half: string, isEnd: boolean): number[] | undefined {
  if (half === '') return [];
  const out: number[] = [];
  const parts = half.split(':');
  for (const [at, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      out.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = isEnd && at === parts.length - 1 ? parseIpv4(part) : undefined;
    if (quad === undefined) return undefined;
    out.push(Math.floor(quad / 65_536), quad % 65_536);
  }
  return out;
}

/**
 * The recommended text of RFC 5952: lower case, the first longest run of two or more zero groups as `::` (§4), and
 * an IPv4-mapped address with its dotted quad (§5).
 */
export function formatIpv6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(value & 0xffff_ffffn)}`;
  const all = Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(112 - 16 * at)) & 0xffffn));
  let best = { at: 0, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && all[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = all.map((group) => group.toString(16));
  if (best.length < 2) return hex.join(':');
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`;
}
