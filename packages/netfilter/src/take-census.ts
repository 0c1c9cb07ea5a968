import type { DesiredRules } from './desired-rules.ts';
import { formatRule } from './format-rule.ts';
import { isBuiltIn, type Ruleset } from './ruleset.ts';

/** Whose a ruleset is. */
export interface Census {
  /** Chains that only we make. */
  readonly ownChains: number;
  /** Chains that others made, empty ones too: some programs mark a place by a chain without rules. */
  readonly otherChains: number;
  /** What others have decided about packets: their rules, and policies that do not accept. */
  readonly otherRules: number;
}

/**
 * Counts what of a ruleset is ours and what is not, by the measure of `planRestore`: chains by the beginnings of their
 * names, single rules in built-in chains by what they call or by being desired there. A shared chain is nobody's, the
 * rules in it are of others. Ignored chains, and rules in built-in chains that call one, are not counted at all.
 */
export function takeCensus(
  { tables: desired, ownedPrefixes }: DesiredRules,
  { tables }: Ruleset,
  { isIgnored = () => false }: { readonly isIgnored?: (chain: string) => boolean } = {},
): Census {
  const isOwn = (chain: string) => ownedPrefixes.some((prefix) => chain.startsWith(prefix));
  let [ownChains, otherChains, otherRules] = [0, 0, 0];
  for (const [table, { chains }] of tables) {
    const { jumps = [], sharedChains = [] } = desired.find((each) => each.table === table) ?? {};
    for (const [chain, { policy = 'ACCEPT', rules }] of chains) {
      if (isIgnored(chain)) continue;
      const builtIn = isBuiltIn(table, chain);
      if (isOwn(chain)) {
        ownChains++;
        continue;
      }
      if (!builtIn && !sharedChains.includes(chain)) otherChains++;
      if (policy !== 'ACCEPT') otherRules++;
      const calls = new Set(jumps.filter((jump) => jump.chain === chain).map(({ rule }) => formatRule(rule)));
      otherRules += rules.filter(
        (rule) =>
          !(builtIn && (calls.has(formatRule(rule)) || [isOwn, isIgnored].some((is) => is(rule.target?.name ?? '')))),
      ).length;
    }
  }
  return { ownChains, otherChains, otherRules };
}
