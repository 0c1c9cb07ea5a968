import type { ChainRule, ChainText, Edits } from './edits.ts';
import type { Installed } from './installed.ts';
import type { Layout } from './own-chains.ts';

/**
 * iptables-nft finds each deleted rule by comparing it with all of its chain: of 10,000 rules 250 took 1.7 s, all
 * written anew 0.5 s.
 */
const REWRITE_FROM = 50;

/**
 * What we and kube-proxy write. iptables does not find every rule by the words in which it prints it: of `recent`, or
 * `limit` with what is left of it, what somebody else added may be there and yet not be deleted.
 */
const PLAIN =
  /^(! )?(-d \S+ )?-p \w+ -m comment --comment "[^"]*"( -m addrtype --dst-type LOCAL)? -m \w+ --dport \d+ (-m conntrack ! --ctstate DNAT )?-j \S+( --reject-with icmp-port-unreachable)?$/;

interface Situation {
  readonly installed: Installed;
  readonly own: Layout;
  /** What earlier pieces of the same plan add. */
  readonly earlier?: readonly ChainRule[];
}

/** The same edits, but that dispatch chains of which much goes, or what cannot be deleted, are written anew. */
export function rewriteChains(edits: Edits, situation: Situation): Edits {
  const removed = Map.groupBy(edits.removed, nameOf);
  const rewritten = [...removed.values()].flatMap((rules) =>
    isLittle(rules, situation.own) ? [] : [rewrite(edits, rules, situation)],
  );
  if (rewritten.length === 0) return edits;
  const names = new Set(rewritten.map(nameOf));
  const isElsewhere = (rule: ChainRule): boolean => !names.has(nameOf(rule));
  // The filter table's rules are added by a commit before the one that writes the chain.
  const isSeparate = (rule: ChainRule): boolean => rule.table === 'filter' || isElsewhere(rule);
  return {
    ...edits,
    added: edits.added.filter(isSeparate),
    appended: edits.appended.filter(isSeparate),
    removed: edits.removed.filter(isElsewhere),
    rewritten: [...edits.rewritten, ...rewritten],
  };
}

function isLittle(removed: readonly ChainRule[], own: Layout): boolean {
  const isFound = ({ table, chain, rule }: ChainRule): boolean =>
    PLAIN.test(rule) || own[table].dispatch.get(chain)?.includes(rule) === true;
  return removed.length < REWRITE_FROM && removed.every(isFound);
}

/** A chain as these deletions and all additions leave it. */
function rewrite(edits: Edits, removed: readonly ChainRule[], { installed, own, earlier = [] }: Situation): ChainText {
  const [first] = removed;
  if (first === undefined) throw new RangeError('nothing is removed');
  const { table, chain } = first;
  const left = new Map(installed[table].dispatch.get(chain)?.rules);
  for (const added of [...earlier, ...edits.added])
    if (nameOf(added) === nameOf(first)) left.set(added.rule, (left.get(added.rule) ?? 0) + 1);
  for (const { rule } of removed) left.set(rule, (left.get(rule) ?? 0) - 1);
  const end = own[table].dispatch.get(chain) ?? [];
  const rules = [...left].flatMap(([rule, count]) => (count > 0 && !end.includes(rule) ? [rule] : []));
  return { table, chain, text: [...rules, ...end].map((rule) => `-A ${chain} ${rule}\n`).join('') };
}

function nameOf({ table, chain }: { readonly table: string; readonly chain: string }): string {
  return `${table} ${chain}`;
}
