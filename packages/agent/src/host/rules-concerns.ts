import type { NftChange } from '@tenet/host';
import { type DesiredRules, isBuiltIn } from '@tenet/netfilter';
import type { RulesConcern } from './rules-watch.ts';
import { isServiceChain } from './service-chains.ts';

/** NFPROTO_IPV4 of linux/netfilter.h: the family of the tables that iptables-nft keeps. */
const NFPROTO_IPV4 = 2;

/** The table of services when they are forwarded by nftables. */
export const SERVICES_TABLE = 'tenet';

const BOTH: readonly RulesConcern[] = ['host', 'services'];

/** Whose rules a change of an iptables table is about. */
export function iptablesConcerns({
  tables,
  ownedPrefixes,
}: DesiredRules): (change: NftChange) => readonly RulesConcern[] {
  const shared = new Map(tables.map(({ table, sharedChains = [] }) => [table, new Set(sharedChains)]));
  return ({ family, table, chain }) => {
    const sharedChains = shared.get(table);
    if (family !== NFPROTO_IPV4 || sharedChains === undefined) return [];
    // With the table go all its chains.
    if (chain === undefined) return BOTH;
    if (isServiceChain(chain)) return sharedChains.has(chain) ? BOTH : ['services'];
    const isHost =
      isBuiltIn(table, chain) || sharedChains.has(chain) || ownedPrefixes.some((prefix) => chain.startsWith(prefix));
    return isHost ? ['host'] : [];
  };
}

/** The same for services that have a table of nftables to themselves. */
export function nftablesConcerns({ family, table }: NftChange): readonly RulesConcern[] {
  return family === NFPROTO_IPV4 && table === SERVICES_TABLE ? ['services'] : [];
}
