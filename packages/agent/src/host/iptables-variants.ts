import {
  type IptablesVariant,
  iptablesList,
  iptablesRestore,
  iptablesSave,
  NftNews,
  readLegacySizes,
  readRulesVersion,
} from '@tenet/host';
import { type Census, type DesiredRules, parseIptablesSave, type Ruleset, takeCensus } from '@tenet/netfilter';
import { isTenetError } from '@tenet/std';
import { isServiceChain } from './service-chains.ts';

/** How a node's netfilter is spoken to. */
export const NETFILTER = {
  iptablesList,
  iptablesRestore,
  iptablesSave,
  readLegacySizes: (): string | undefined => readLegacySizes(),
  readRulesVersion,
  hearOfRules: (): NftNews => NftNews.open(),
};

export type Netfilter = typeof NETFILTER;

export const OTHER_VARIANT: Readonly<Record<IptablesVariant, IptablesVariant>> = { nft: 'legacy', legacy: 'nft' };

/** Reads both variants and says which is to keep the node's rules. */
export async function findVariant(
  netfilter: Pick<Netfilter, 'iptablesSave'>,
  desired: DesiredRules,
  signal: AbortSignal,
): Promise<IptablesVariant> {
  const censusOf = async (variant: IptablesVariant) =>
    takeCensus(desired, await readIfInstalled(netfilter, variant, signal));
  const [nft, legacy] = await Promise.all([censusOf('nft'), censusOf('legacy')]);
  return chooseVariant({ nft, legacy });
}

/**
 * The variant that holds our rules already, whatever others have added to the other one since: rules that moved would
 * leave what nobody keeps. When both hold some, or neither, the one that others use more; `nft` when they use none.
 */
export function chooseVariant({ nft, legacy }: Readonly<Record<IptablesVariant, Census>>): IptablesVariant {
  if (nft.ownChains > 0 !== legacy.ownChains > 0) return nft.ownChains > 0 ? 'nft' : 'legacy';
  return weightOf(legacy) > weightOf(nft) ? 'legacy' : 'nft';
}

function weightOf({ otherChains, otherRules }: Census): number {
  return otherChains + otherRules;
}

/** The rules of a variant, but those of services, of which there may be 100,000; none when it is not installed. One that is there and does not start is no empty one. */
export async function readIfInstalled(
  netfilter: Pick<Netfilter, 'iptablesSave'>,
  variant: IptablesVariant,
  signal: AbortSignal,
): Promise<Ruleset> {
  try {
    return parseIptablesSave(await netfilter.iptablesSave({ variant, signal }), { withoutRulesOf: isServiceChain });
  } catch (error) {
    if (isTenetError(error, 'TOOL_MISSING')) return { tables: new Map() };
    throw error;
  }
}
