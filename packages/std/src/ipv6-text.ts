/** Reads the text forms of RFC 4291 §2.2, an embedded IPv4 tail too; undefined when it is none of them. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const zeros = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? zeros !== 0 : zeros < 1) return undefined;
  const all = [...head, ...Array<number>(zeros).fill(0), ...(tail ?? [])];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
}

function groups(half: string): number[] | undefined {
  if (half === '') return [];
  const out: number[] = [];
  const parts = half.split(':');
  for (const [at, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      out.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part)?.slice(1).map(Number);
    if (at !== parts.length - 1 || quad === undefined || quad.some((octet) => octet > 255)) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = quad;
    out.push(a * 256 + b, c * 256 + d);
  }
  return out;
}

/** The recommended text of RFC 5952 §4: lower case, the longest run of two or more zero groups as `::`. */
export function formatIpv6(value: bigint): string {
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
