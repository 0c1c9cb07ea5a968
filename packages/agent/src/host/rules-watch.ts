import type { ChainPlace } from '@tenet/proxy';

/** Whose rules: the host's own (TENET-*, and the rules that call them), or those of services (KUBE-*). */
export const RULES_CONCERNS = ['host', 'services'] as const;
export type RulesConcern = (typeof RULES_CONCERNS)[number];

/**
 * Knows, without listing them, whether netfilter rules are still those that were read last, or were written since by who
 * asks. At the start all are suspect.
 */
export interface RulesWatch extends Disposable {
  /** Whose rules may be others by now. Costs some system calls. */
  look(): ReadonlySet<RulesConcern>;
  /**
   * Lets the rules of these be read: once that worked, only what has changed since its beginning makes them suspect. The
   * reading is told which chains of services alone others have changed; undefined when anything may have changed.
   */
  reading<T>(
    concerns: readonly RulesConcern[],
    read: (touched: readonly ChainPlace[] | undefined) => Promise<T>,
  ): Promise<T>;
  /**
   * Lets rules be written: what is written so makes nobody suspect, what others change meanwhile does. `commits` says how
   * often the kernel's rules change by it.
   */
  writing(commits: number, write: () => Promise<void>): Promise<void>;
}
