import type { IptablesVariant } from '@tenet/host';
import { type Chain, parseIptablesList, parseIptablesSave, type Ruleset } from '@tenet/netfilter';
import type { HostGuard } from '@tenet/pipeline';
import type { Netfilter } from './iptables-variants.ts';

/** Reads the chains that guards are in, with what their rules have counted, and as little else as the tools can. */
export async function readGuards(
  guards: readonly Pick<HostGuard, 'table' | 'chain'>[],
  { variant, netfilter, deadlineMs }: { variant: IptablesVariant; netfilter: Netfilter; deadlineMs: number },
): Promise<Ruleset> {
  const tables = [...new Set(guards.map(({ table }) => table))];
  const read = tables.map(async (table): Promise<[string, { chains: ReadonlyMap<string, Chain> }]> => {
    if (variant === 'legacy') {
      const saved = await netfilter.iptablesSave({ variant, table, counters: true, deadlineMs });
      return [table, parseIptablesSave(saved).tables.get(table) ?? { chains: new Map() }];
    }
    const chains = [...new Set(guards.filter((guard) => guard.table === table).map(({ chain }) => chain))];
    const listed = chains.map(async (chain) => [
      ...parseIptablesList(table, await netfilter.iptablesList({ table, chain, deadlineMs })).chains,
    ]);
    return [table, { chains: new Map((await Promise.all(listed)).flat()) }];
  });
  return { tables: new Map(await Promise.all(read)) };
}
