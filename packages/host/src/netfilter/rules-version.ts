import type { IptablesVariant } from './iptables.ts';
import { readLegacyDigest } from './legacy-digest.ts';
import { readNftGeneration } from './nft-generation.ts';

/** Whose rules. */
export interface RulesScope {
  readonly variant: IptablesVariant;
  /** The path of the network namespace; the caller's own when left out. */
  readonly namespace?: string;
}

/**
 * A word that stays the same while no IPv4 rule of this variant changes, read without starting a process; undefined
 * where the kernel cannot tell. Read it before the rules: what changes in between is then noticed the next time.
 */
export function readRulesVersion({ variant, namespace }: RulesScope): string | undefined {
  switch (variant) {
    case 'nft':
      return readNftGeneration(namespace)?.toString();
    case 'legacy':
      return readLegacyDigest(namespace);
  }
}
