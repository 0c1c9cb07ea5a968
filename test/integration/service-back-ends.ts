/** The ways in which service rules are kept, each as it is really applied and read again. */
import { type IptablesVariant, iptablesRestore, iptablesSave, nftApply, nftList } from '@tenet/host';
import { IptablesPlanner, NftablesPlanner, type ProxyNode, type RulesPlanner } from '@tenet/proxy';
import type { Teller } from './rules-trace.ts';

export interface BackEnd {
  readonly name: string;
  /** Of iptables, for the host's rules. */
  readonly variant: IptablesVariant;
  /** Whether those call the chains of services. */
  readonly serviceChains: boolean;
  /** Who tells the ways of packets. */
  readonly teller: Teller;
  plannerFor(node: ProxyNode): RulesPlanner;
  apply(text: string, namespace: string): Promise<void>;
  /** What is installed, as a planner is shown it. */
  read(namespace: string): Promise<string>;
}

/** Slow machines and a lot of rules. */
const DEADLINE_MS = 60_000;

function iptables(variant: IptablesVariant, teller: Teller): BackEnd {
  return {
    ...{ name: `iptables-${variant}`, variant, serviceChains: true, teller },
    plannerFor: (node) => new IptablesPlanner({ node }),
    apply: (text, namespace) => iptablesRestore(text, { variant, namespace, noflush: true, deadlineMs: DEADLINE_MS }),
    read: (namespace) => iptablesSave({ variant, namespace, deadlineMs: DEADLINE_MS }),
  };
}

const NFTABLES: BackEnd = {
  ...{ name: 'nftables', variant: 'nft', serviceChains: false, teller: 'nft' },
  plannerFor: (node) => new NftablesPlanner({ node }),
  apply: (text, namespace) => nftApply(text, { namespace }),
  async read(namespace) {
    const tables = await nftList({ what: 'tables', namespace });
    const isThere = tables.some(({ table }) => JSON.stringify(table).includes('"tenet"'));
    return isThere ? JSON.stringify({ nftables: await nftList({ what: 'table ip tenet', namespace }) }) : '';
  },
};

export const BACK_ENDS: readonly BackEnd[] = [
  iptables('nft', 'xtables-monitor'),
  iptables('legacy', 'nfnetlink_log'),
  NFTABLES,
];
