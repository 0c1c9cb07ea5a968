import { detectIptables, type IptablesVariant, iptablesRestore, iptablesSave, readRulesVersion } from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules, type NodeNetwork } from '@tenet/pipeline';
import type { Logger } from '@tenet/std';

interface HostRulesOptions {
  readonly node: NodeNetwork;
  readonly log: Logger;
  /** Hears of each change that was made. */
  readonly onChanged: (change: { readonly added: number }) => void;
  /** A clock in milliseconds that nobody sets; the process's own when left out. */
  readonly nowMs?: () => number;
  /** How the node's netfilter is spoken to; a test may stand in between. */
  readonly netfilter?: Netfilter;
}

const NETFILTER = { detectIptables, iptablesRestore, iptablesSave, readRulesVersion };

/** What of the host is used here. */
export type Netfilter = typeof NETFILTER;

/** After this time the rules are read whether or not they say that they have changed. */
const TRUSTED_MS = 60_000;

/**
 * Keeps the host's netfilter rules, in the variant of iptables that the node uses. To be called often: while the kernel
 * says that the rules are those which were last found right, a call starts no process and takes 0.2 ms.
 */
export class HostRulesSync {
  #variant: IptablesVariant | undefined;
  /** The version of the rules that were found right, and when. */
  #right: { readonly version: string; readonly atMs: number } | undefined;
  readonly #node: NodeNetwork;
  readonly #log: Logger;
  readonly #onChanged: HostRulesOptions['onChanged'];
  readonly #nowMs: () => number;
  readonly #netfilter: Netfilter;

  constructor({ node, log, onChanged, nowMs = () => performance.now(), netfilter = NETFILTER }: HostRulesOptions) {
    this.#node = node;
    this.#log = log;
    this.#onChanged = onChanged;
    this.#nowMs = nowMs;
    this.#netfilter = netfilter;
  }

  /** The variant in use; undefined until the first comparison. */
  get variant(): IptablesVariant | undefined {
    return this.#variant;
  }

  /** Compares what is installed with what should be, and writes the difference; nothing when there is none. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const scope = { variant: await this.#variantHere(signal), signal };
    // Before the rules: what changes while they are read gives another version the next time.
    const version = this.#netfilter.readRulesVersion(scope);
    const atMs = this.#nowMs();
    if (version !== undefined && version === this.#right?.version && atMs - this.#right.atMs < TRUSTED_MS) return;
    this.#right = undefined;
    const installed = parseIptablesSave(await this.#netfilter.iptablesSave(scope));
    const restore = planRestore(hostRules(this.#node), installed);
    if (restore === undefined) {
      if (version !== undefined) this.#right = { version, atMs };
      return;
    }
    await this.#netfilter.iptablesRestore(restore, { ...scope, noflush: true });
    // Not taken for right: the next call reads what came of it.
    const added = restore.split('\n').filter((line) => /^-[AI]/.test(line)).length;
    this.#log.info('host rules reconciled', { added });
    this.#onChanged({ added });
  }

  /** Found once and kept: our own rules must not move from one variant to the other. */
  async #variantHere(signal: AbortSignal): Promise<IptablesVariant> {
    if (this.#variant !== undefined) return this.#variant;
    const variant = await this.#netfilter.detectIptables({ signal });
    this.#variant = variant;
    this.#log.info('iptables variant found', { version: variant });
    return variant;
  }
}
