import { nftApply, nftListText } from '@tenet/host';
import { IptablesPlanner, NftablesPlanner, type ProxyNode, type RulesPiece, type RulesPlanner } from '@tenet/proxy';
import { isTenetError, type Logger } from '@tenet/std';
import type { ProxyMode } from '../config.ts';
import type { InstalledRules } from '../host/installed-rules.ts';
import { type Netfilter, OTHER_VARIANT } from '../host/iptables-variants.ts';
import { SERVICES_TABLE } from '../host/rules-concerns.ts';
import { emptyWhenMissing } from './nftables-access.ts';

export interface OtherRulesOptions {
  /** What forwards services now. */
  readonly proxy: ProxyMode;
  readonly node: ProxyNode;
  readonly rules: Pick<InstalledRules, 'variant' | 'turn'>;
  readonly netfilter: Pick<Netfilter, 'iptablesSave' | 'iptablesRestore'>;
  readonly log: Logger;
}

/** A planner that can take back all that it ever planned. */
type Removing = RulesPlanner & { planRemoval(): RulesPiece | undefined };

/** One place where rules of services may be that no longer belong there. */
interface Place {
  readonly backEnd: string;
  readonly planner: Removing;
  readonly read: () => Promise<string>;
  readonly write: (text: string) => Promise<void>;
}

/**
 * Removes rules of services from where they are not kept: packets pass those too. To be called when those that are kept
 * are whole, so that no service is ever without.
 */
export async function removeOtherRules(options: OtherRulesOptions, signal: AbortSignal): Promise<void> {
  for (const place of placesOf(options, signal)) {
    const removed = await cleared(place);
    if (removed > 0) options.log.info('rules of services removed', { what: place.backEnd, removed });
  }
}

function placesOf({ proxy, node, rules, netfilter }: OtherRulesOptions, signal: AbortSignal): readonly Place[] {
  const nftables: Place = {
    backEnd: 'nftables',
    planner: new NftablesPlanner({ node }),
    read: () => emptyWhenMissing(nftListText({ what: `table ip ${SERVICES_TABLE}`, signal })),
    write: (text) => nftApply(text, { signal }),
  };
  const used: Place = {
    backEnd: `iptables-${rules.variant}`,
    planner: new IptablesPlanner({ node }),
    read: () => rules.turn((turn) => turn.readWhole(signal)),
    write: (text) => rules.turn((turn) => turn.write(text, signal)),
  };
  const variant = OTHER_VARIANT[rules.variant];
  const unused: Place = {
    backEnd: `iptables-${variant}`,
    planner: new IptablesPlanner({ node }),
    read: () => netfilter.iptablesSave({ variant, signal }),
    write: (text) => netfilter.iptablesRestore(text, { variant, signal, noflush: true }),
  };
  switch (proxy) {
    case 'iptables':
      return [nftables, unused];
    case 'nftables':
      return [used, unused];
    case 'none':
      // All that is laid out as kube-proxy does may be its own; this table is nobody else's.
      return [nftables];
  }
}

async function cleared({ planner, read, write }: Place): Promise<number> {
  try {
    planner.observe(await read());
  } catch (error) {
    // What is not installed on this node never wrote a rule.
    if (isTenetError(error, 'TOOL_MISSING')) return 0;
    throw error;
  }
  let removed = 0;
  for (let piece = planner.planRemoval(); piece !== undefined; piece = planner.planRemoval()) {
    await write(piece.text);
    planner.applied(piece);
    removed += piece.removed;
  }
  return removed;
}
