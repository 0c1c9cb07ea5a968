import { type Edits, linesOf, mergeEdits } from './edits.ts';
import type { Installed } from './installed.ts';
import type { Layout } from './own-chains.ts';
import { rewriteChains } from './rewrite-chains.ts';

/** One restore of all takes time that grows with its square: with 10,000 services 69 s, and 4 s in pieces. */
const PARTS_PER_PIECE = 250;

/** For services with hundreds of endpoints. */
const LINES_PER_PIECE = 10_000;

/** Chains that are emptied, or that go. Of 40,000 both in one restore took 54 s, one after the other in pieces 4 s. */
export const CHAINS_PER_PIECE = 4_000;

/**
 * The edits as pieces that are whole restores each. Those that fit into one are one; else what comes is there before
 * anything goes: chains and rules that lead to them, then rules that go, then what chains hold, then chains.
 */
export function packEdits(edits: readonly Partial<Edits>[], installed: Installed, own: Layout): readonly Edits[] {
  const parts = edits.filter((part) => linesOf(part) > 0);
  const all = mergeEdits(parts);
  const lines = linesOf(all);
  if (lines === 0) return [];
  if (parts.length <= PARTS_PER_PIECE && lines <= LINES_PER_PIECE) return [rewriteChains(all, { installed, own })];
  return [
    ...coming(parts),
    rewriteChains(mergeEdits([{ removed: all.removed }]), { installed, own, earlier: all.added }),
    ...inChunks(all.emptied).map((emptied) => mergeEdits([{ emptied }])),
    ...inChunks(all.dropped).map((dropped) => mergeEdits([{ dropped }])),
  ].filter((edits) => linesOf(edits) > 0);
}

/** What is filled and added, as it fits into pieces. */
function coming(parts: readonly Partial<Edits>[]): readonly Edits[] {
  const groups: Partial<Edits>[][] = [];
  let group: Partial<Edits>[] = [];
  let lines = 0;
  for (const { filled = [], added = [], appended = [] } of parts) {
    const part = { filled, added, appended };
    const more = linesOf(part);
    if (more === 0) continue;
    if (group.length === 0 || group.length === PARTS_PER_PIECE || lines + more > LINES_PER_PIECE) {
      group = [];
      groups.push(group);
      lines = 0;
    }
    group.push(part);
    lines += more;
  }
  return groups.map(mergeEdits);
}

function inChunks<T>(all: readonly T[]): readonly (readonly T[])[] {
  const chunks: (readonly T[])[] = [];
  for (let at = 0; at < all.length; at += CHAINS_PER_PIECE) chunks.push(all.slice(at, at + CHAINS_PER_PIECE));
  return chunks;
}
