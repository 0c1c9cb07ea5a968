import { detectIptables, type IptablesVariant, iptablesRestore, iptablesSave } from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules, type NodeNetwork } from '@tenet/pipeline';
import type { Logger } from '@tenet/std';

/** Keeps the host's netfilter rules, in the variant of iptables that the node uses. */
export class HostRulesSync {
  readonly variant: IptablesVariant;
  readonly #node: NodeNetwork;
  readonly #log: Logger;

  constructor({ node, log }: { readonly node: NodeNetwork; readonly log: Logger }) {
    this.variant = detectIptables();
    this.#node = node;
    this.#log = log;
    log.info('iptables variant found', { version: this.variant });
  }

  /** Compares what is installed with what should be, and writes the difference; nothing when there is none. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const scope = { variant: this.variant };
    const restore = planRestore(hostRules(this.#node), parseIptablesSave(iptablesSave(scope)));
    if (restore === undefined) return;
    await iptablesRestore(restore, { ...scope, noflush: true, signal });
    this.#log.info('host rules reconciled', {
      added: restore.split('\n').filter((line) => /^-[AI]/.test(line)).length,
    });
  }
}
