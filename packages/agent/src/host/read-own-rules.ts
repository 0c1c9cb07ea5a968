import { type Chain, type DesiredRules, type DesiredTable, parseIptablesList, type Ruleset } from '@tenet/netfilter';
import { isServiceChain } from './service-chains.ts';

/** Lists a table, or one chain of it, as `iptables -v -S` does; empty for a chain that is not there. */
export type ListRules = (table: string, chain?: string) => Promise<string>;

/** The table that has chains for each service and endpoint: nobody asks for all of it. */
const BULKY_TABLE = 'nat';

/**
 * Reads what the host's own rules are compared with, and no rule of a service: for a node with so many services that
 * to read everything takes seconds.
 */
export async function readOwnRules({ tables }: DesiredRules, list: ListRules): Promise<Ruleset> {
  const read = tables.map(async (desired) => {
    const { table } = desired;
    const chains = table === BULKY_TABLE ? await readChains(desired, list) : await readTable(table, list);
    return [table, { chains }] as const;
  });
  return { tables: new Map(await Promise.all(read)) };
}

async function readTable(table: string, list: ListRules): Promise<ReadonlyMap<string, Chain>> {
  const { chains } = parseIptablesList(table, await list(table));
  return new Map([...chains].map(([name, chain]) => [name, isServiceChain(name) ? { ...chain, rules: [] } : chain]));
}

async function readChains(
  { table, chains, jumps, sharedChains = [] }: DesiredTable,
  list: ListRules,
): Promise<ReadonlyMap<string, Chain>> {
  const names = [...new Set([...jumps.map(({ chain }) => chain), ...chains.keys()])];
  const found = new Map((await Promise.all(names.map((name) => readChain(table, name, list)))).flat());
  const called = new Set([...found.values()].flatMap(({ rules }) => rules.map(({ target }) => target?.name)));
  // The kernel keeps a chain for as long as something calls it.
  const uncertain = sharedChains.filter((name) => !called.has(name));
  const others = new Map((await Promise.all(uncertain.map((name) => readChain(table, name, list)))).flat());
  const certain = sharedChains.filter((name) => called.has(name) || others.has(name));
  return new Map([...found, ...certain.map((name): [string, Chain] => [name, { rules: [] }])]);
}

async function readChain(table: string, name: string, list: ListRules): Promise<[string, Chain][]> {
  const chain = parseIptablesList(table, await list(table, name)).chains.get(name);
  return chain === undefined ? [] : [[name, chain]];
}
