import { detectIptables, type IptablesVariant, iptablesRestore, iptablesSave } from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules, type NodeNetwork } from '@tenet/pipeline';
import type { Logger } from '@tenet/std';

interface HostRulesOptions {
  readonly node: NodeNetwork;
  readonly log: Logger;
  /** Hears of each change that was made. */
  readonly onChanged: (change: { readonly added: number }) => void;
}

/** Keeps the host's netfilter rules, in the variant of iptables that the node uses. */
export class HostRulesSync {
  #variant: IptablesVariant | undefined;
  readonly #node: NodeNetwork;
  readonly #log: Logger;
  readonly #onChanged: HostRulesOptions['onChanged'];

  constructor({ node, log, onChanged }: HostRulesOptions) {
    this.#node = node;
    this.#log = log;
    this.#onChanged = onChanged;
  }

  /** The variant in use; undefined until the first comparison. */
  get variant(): IptablesVariant | undefined {
    return this.#variant;
  }

  /** Compares what is installed with what should be, and writes the difference; nothing when there is none. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const scope = { variant: await this.#variantHere(signal), signal };
    const restore = planRestore(hostRules(this.#node), parseIptablesSave(await iptablesSave(scope)));
    if (restore === undefined) return;
    await iptablesRestore(restore, { ...scope, noflush: true });
    const added = restore.split('\n').filter((line) => /^-[AI]/.test(line)).length;
    this.#log.info('host rules reconciled', { added });
    this.#onChanged({ added });
  }
  /** Found once and kept: our own rules must not move from one variant to the other. */
  async #variantHere(signal: AbortSignal): Promise<IptablesVariant> {
    if (this.#variant !== undefined) return this.#variant;
    const variant = await detectIptables({ signal });
    this.#variant = variant;
    this.#log.info('iptables variant found', { version: variant });
    return variant;
  }
}
