import type { DesiredRules, DesiredTable } from './desired-rules.ts';
import { formatRule } from './format-rule.ts';
import { planJumps } from './plan-jumps.ts';
import type { Rule } from './rule.ts';
import { type Chain, isBuiltIn, type Ruleset } from './ruleset.ts';

/** A chain name has at most 28 bytes (XT_EXTENSION_MAXNAMELEN of linux/netfilter/x_tables.h). */
const CHAIN_NAME_BYTES = 28;

/**
 * What to feed `iptables-restore --noflush` so that the installed rules become the desired ones, or undefined when
 * they are already. Chains of ours that differ are emptied and filled again, each table in one commit; single rules
 * of ours move only when they must; chains and rules of others stay as they are.
 *
 * A single rule counts as ours when it is desired in its chain, or when it stands in a built-in chain and calls a
 * chain of ours or a shared one. RangeError for desired rules that contradict each other.
 */
export function planRestore(desired: DesiredRules, installed: Ruleset): string | undefined {
  const untouched = [...installed.tables.keys()].filter((name) => !desired.tables.some(({ table }) => table === name));
  const all = [...desired.tables, ...untouched.map((table) => ({ table, chains: new Map(), jumps: [] }))];
  const lines = all.flatMap((table) => {
    const edits = planTable(table, installed.tables.get(table.table)?.chains ?? new Map(), desired.ownedPrefixes);
    return edits.length === 0 ? [] : [`*${table.table}`, ...edits, 'COMMIT'];
  });
  return lines.length === 0 ? undefined : lines.map((line) => `${line}\n`).join('');
}

function planTable(want: DesiredTable, there: ReadonlyMap<string, Chain>, prefixes: readonly string[]): string[] {
  refuseContradictions(want, prefixes);
  const { table, chains, sharedChains = [], jumps } = want;
  const isOurs = (chain: string): boolean =>
    chains.has(chain) || sharedChains.includes(chain) || prefixes.some((prefix) => chain.startsWith(prefix));

  const missingShared = sharedChains.filter((chain) => !there.has(chain));
  const changed = [...chains].filter(([chain, rules]) => !sameRules(rules, there.get(chain)?.rules));
  const unwanted = [...there.keys()].filter(
    (chain) => isOurs(chain) && !chains.has(chain) && !sharedChains.includes(chain) && !isBuiltIn(table, chain),
  );
  const strangers = [...there].filter(([chain]) => !isOurs(chain) && !isBuiltIn(table, chain));
  const calledByStrangers = new Set(strangers.flatMap(([, { rules }]) => rules.map(({ target }) => target?.name)));

  // Names first, since rules may call any of them; a line for a chain that exists empties it.
  const emptied = [
    ...missingShared,
    ...changed.map(([chain]) => chain),
    ...unwanted.filter((chain) => (there.get(chain)?.rules.length ?? 0) > 0),
  ];
  const hosts = new Set([...there.keys()].filter((chain) => isBuiltIn(table, chain)));
  for (const { chain } of jumps) hosts.add(chain);
  return [
    ...emptied.map((chain) => `:${chain} - [0:0]`),
    ...changed.flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${formatRule(rule)}`.trimEnd())),
    ...[...hosts].flatMap((chain) =>
      planJumps({
        chain,
        installed: there.get(chain)?.rules ?? [],
        desired: jumps.filter((jump) => jump.chain === chain),
        callsUs: ({ target }) => isBuiltIn(table, chain) && target !== undefined && isOurs(target.name),
      }),
    ),
    ...unwanted.filter((chain) => !calledByStrangers.has(chain)).map((chain) => `-X ${chain}`),
  ];
}

function sameRules(a: readonly Rule[], b: readonly Rule[] | undefined): boolean {
  return (
    b !== undefined && a.length === b.length && a.every((rule, at) => formatRule(rule) === formatRule(b[at] ?? rule))
  );
}

function refuseContradictions({ table, chains, sharedChains = [], jumps }: DesiredTable, prefixes: readonly string[]) {
  const declared = new Set([...chains.keys(), ...sharedChains]);
  for (const chain of sharedChains)
    if (chains.has(chain)) throw new RangeError(`chain ${chain} is both ours and shared`);
  for (const chain of declared) {
    if (isBuiltIn(table, chain)) throw new RangeError(`${chain} is a built-in chain of ${table}, not one to own`);
    if (new TextEncoder().encode(chain).length > CHAIN_NAME_BYTES)
      throw new RangeError(`chain name ${chain} has more than ${CHAIN_NAME_BYTES} bytes`);
  }
  for (const { chain } of jumps)
    if (declared.has(chain)) throw new RangeError(`a single rule for ${chain}, which is a chain of ours`);
  for (const { target } of [...[...chains.values()].flat(), ...jumps.map(({ rule }) => rule)]) {
    if (target && !declared.has(target.name) && prefixes.some((prefix) => target.name.startsWith(prefix)))
      throw new RangeError(`a rule calls ${target.name}, which is not among the chains of ${table}`);
  }
}
