import type { Family } from '@tenet/std';
import { isTenetError } from '@tenet/std';
import { runTool, runToolSync } from './tool.ts';

/** The two kernel interfaces behind the same iptables commands; their rules do not see each other. */
export type IptablesVariant = 'nft' | 'legacy';

/** Which rules. */
export interface IptablesScope {
  /** `nft` when left out. */
  readonly variant?: IptablesVariant;
  /** IPv4 when left out. */
  readonly family?: Family;
  /** The path of the network namespace; the caller's own when left out. */
  readonly namespace?: string;
}

/** How to change rules. */
export interface IptablesRestoreOptions extends IptablesScope {
  /** Only ever so: what the input does not name stays as it is. */
  readonly noflush: true;
  /** Parse and build the rules without committing them. */
  readonly test?: boolean;
  readonly signal?: AbortSignal;
}

/** The rules of all tables in the format of iptables-save(8). */
export function iptablesSave({ variant = 'nft', family = 4, namespace }: IptablesScope = {}): string {
  return runToolSync({ command: [program(variant, family, 'save')], namespace });
}

/**
 * Changes rules by one run of iptables-restore(8): each table of the input is committed as a whole. A failure is
 * TOOL_FAILED with the tool's reason and the line of the input that it names.
 */
export async function iptablesRestore(text: string, options: IptablesRestoreOptions): Promise<void> {
  const { variant = 'nft', family = 4, test = false, namespace, signal } = options;
  // The lock of the legacy variant is waited for; iptables-nft has none and accepts the option.
  const args = ['--noflush', '--wait', ...(test ? ['--test'] : [])];
  await runTool({ command: [program(variant, family, 'restore'), ...args], input: text, namespace }, signal);
}

/** How many rules and own chains each variant holds; 0 for one that is not installed. */
export function countIptables(scope: Omit<IptablesScope, 'variant'> = {}): Readonly<Record<IptablesVariant, number>> {
  return { nft: countIn('nft', scope), legacy: countIn('legacy', scope) };
}

/** The variant that a node uses: the one that holds more rules, `nft` when neither does. */
export function detectIptables(scope: Omit<IptablesScope, 'variant'> = {}): IptablesVariant {
  const { nft, legacy } = countIptables(scope);
  return legacy > nft ? 'legacy' : 'nft';
}

function countIn(variant: IptablesVariant, scope: Omit<IptablesScope, 'variant'>): number {
  try {
    // A rule, or a chain without a policy, which somebody made.
    return iptablesSave({ ...scope, variant }).match(/^(-A |:\S+ - )/gm)?.length ?? 0;
  } catch (error) {
    if (isTenetError(error, 'TOOL_MISSING')) return 0;
    throw error;
  }
}

function program(variant: IptablesVariant, family: Family, verb: 'save' | 'restore'): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}-${verb}`;
}
