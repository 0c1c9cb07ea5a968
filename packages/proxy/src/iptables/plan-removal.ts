import type { Edits } from './edits.ts';
import type { Installed } from './installed.ts';
import { TABLES } from './own-chains.ts';
import { CHAINS_PER_PIECE } from './pack-edits.ts';

/**
 * The next part of the way to none of our chains: first the calls by the kernel's own chains and what our chains hold,
 * then the chains. What chains of others call is left, empty; no edits when nothing more can go.
 */
export function planRemovalStep(installed: Installed): Partial<Edits> {
  const removed = TABLES.flatMap((table) => installed[table].jumps.map(({ chain, rule }) => ({ table, chain, rule })));
  const emptied = TABLES.flatMap((table) => {
    const { dispatch, chains } = installed[table];
    const full = [
      ...[...dispatch].flatMap(([chain, { rules }]) => (rules.size > 0 ? [chain] : [])),
      ...[...chains].flatMap(([chain, text]) => (text === '' ? [] : [chain])),
    ];
    return full.map((chain) => ({ table, chain }));
  });
  if (removed.length + emptied.length > 0) return { removed, emptied: emptied.slice(0, CHAINS_PER_PIECE) };
  const dropped = TABLES.flatMap((table) => {
    const { dispatch, chains, calledByOthers } = installed[table];
    return [...dispatch.keys(), ...chains.keys()].flatMap((chain) =>
      calledByOthers.has(chain) ? [] : [{ table, chain }],
    );
  });
  return { dropped: dropped.slice(0, CHAINS_PER_PIECE) };
}
