import type { ProxiedPort } from './proxied-port.ts';

/** Text for one run of `iptables-restore --noflush` or `nft -f`, and what is installed once it succeeded. */
export interface RulesPiece {
  readonly text: string;
  /** Rules, chains or elements that it adds and removes: for logs and metrics. */
  readonly added: number;
  readonly removed: number;
}

/** A chain of iptables. */
export interface ChainPlace {
  readonly table: string;
  readonly chain: string;
}

/**
 * Plans how the rules of services become what the ports ask for, in one back end. It knows what is installed because
 * it was shown (`observe`), and because pieces succeeded (`applied`); it never touches what is not its own.
 */
export interface RulesPlanner {
  /**
   * Takes what is really installed: what `iptables-save` prints for the node's variant, or the objects of
   * `nft -j list table ip tenet` as JSON text (empty when there is no such table). Returns whether it is what was
   * believed. RULESET_MALFORMED or LISTING_MALFORMED for text that is no listing.
   */
  observe(installed: string): boolean;
  /**
   * The same for some chains, where others have changed nothing else: the text has those that are there, and no more.
   * RangeError while it is not known what is installed. Absent where only all can be shown.
   */
  observeChains?(installed: string, chains: readonly ChainPlace[]): boolean;
  /** Whether it is known what is installed: not before the first `observe`, nor after a `failed`. */
  readonly isKnown: boolean;
  /**
   * The pieces that lead from what is installed to what the ports ask for, to be applied in this order; none when
   * nothing is to change. RangeError while it is not known what is installed.
   */
  plan(ports: ReadonlyMap<string, ProxiedPort>): readonly RulesPiece[];
  /** A piece of the last plan, the first that was not yet applied, has succeeded. */
  applied(piece: RulesPiece): void;
  /** A piece has failed or may have: what is installed is no longer known. */
  failed(): void;
}
