import type { Jump } from './desired-rules.ts';
import { formatRule } from './format-rule.ts';
import type { Rule } from './rule.ts';

/** One chain of others, and what of it is ours. */
export interface JumpQuestion {
  readonly chain: string;
  readonly installed: readonly Rule[];
  readonly desired: readonly Jump[];
  /** Tells a rule that calls a chain of ours, and so can only be ours. */
  readonly callsUs: (rule: Rule) => boolean;
}

interface Entry {
  readonly rule: Rule;
  readonly key: string;
  readonly ours: boolean;
}

/**
 * The fewest `-D`, `-I` and `-A` lines after which our rules stand first and last in the order desired, and those of
 * others between them as before. A rule is deleted by its text, never by its number: should somebody change the
 * chain meanwhile, the restore fails as a whole instead of hitting another rule.
 */
export function planJumps({ chain, installed, desired, callsUs }: JumpQuestion): string[] {
  const first = keysOf(chain, desired, 'first');
  const last = keysOf(chain, desired, 'last');
  if (new Set([...first, ...last]).size < first.length + last.length)
    throw new RangeError(`a rule is desired twice in chain ${chain}`);
  const entries = installed.map((rule): Entry => {
    const key = formatRule(rule);
    return { rule, key, ours: first.includes(key) || last.includes(key) || callsUs(rule) };
  });

  const kept = keptOf(entries, first, last);
  const deletions = entries.filter((entry) => entry.ours && !kept.has(entry.key));
  const others = entries.filter(({ ours }) => !ours).length;
  const lines = deletions.map(({ rule }) => `-D ${chain} ${rule.text}`.trimEnd());

  let length = others + kept.size;
  const order: (string | undefined)[] = [...first, ...Array<undefined>(others).fill(undefined), ...last];
  for (const [at, key] of order.entries()) {
    if (key === undefined || kept.has(key)) continue;
    lines.push(at === length ? `-A ${chain} ${key}` : `-I ${chain} ${at + 1} ${key}`);
    length++;
  }
  return lines.map((line) => line.trimEnd());
}

function keysOf(chain: string, desired: readonly Jump[], position: Jump['position']): string[] {
  return desired
    .filter((jump) => jump.chain === chain && jump.position === position)
    .map(({ rule }) => formatRule(rule));
}

/** The rules of ours that may stay: the longest run in the right order, before and behind the rules of others. */
function keptOf(entries: readonly Entry[], first: readonly string[], last: readonly string[]): ReadonlySet<string> {
  const keys = entries.map(({ key }) => key);
  // Of a rule that stands there twice no copy can be named alone by its text, so all go and one comes back.
  const movable = (part: readonly Entry[]): string[] =>
    part.map(({ key }) => key).filter((key) => keys.indexOf(key) === keys.lastIndexOf(key));
  const firstOther = entries.findIndex(({ ours }) => !ours);
  if (firstOther < 0) return new Set(longestCommon(movable(entries), [...first, ...last]));
  const lastOther = entries.findLastIndex(({ ours }) => !ours);
  return new Set([
    ...longestCommon(movable(entries.slice(0, firstOther)), first),
    ...longestCommon(movable(entries.slice(lastOther + 1)), last),
  ]);
}

/** A longest common subsequence. */
function longestCommon(a: readonly string[], b: readonly string[]): readonly string[] {
  let row: readonly (readonly string[])[] = Array<readonly string[]>(b.length + 1).fill([]);
  for (const value of a) {
    const next: (readonly string[])[] = [[]];
    for (const [at, other] of b.entries()) {
      const above = row[at + 1] ?? [];
      const left = next[at] ?? [];
      const longer = above.length >= left.length ? above : left;
      next.push(value === other ? [...(row[at] ?? []), value] : longer);
    }
    row = next;
  }
  return row[b.length] ?? [];
}
