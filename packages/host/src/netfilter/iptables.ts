import type { Family } from '@tenet/std';
import { isTenetError } from '@tenet/std';
import { runTool, TOOL_DEADLINE_MS } from './tool.ts';

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
  readonly signal?: AbortSignal;
  /** A run of the tool that takes longer is TOOL_SILENT; 10 s when left out. */
  readonly deadlineMs?: number;
}

/** How to change rules. */
export interface IptablesRestoreOptions extends IptablesScope {
  /** Only ever so: what the input does not name stays as it is. */
  readonly noflush: true;
  /** Parse and build the rules without committing them. */
  readonly test?: boolean;
}

/** The rules of all tables in the format of iptables-save(8). */
export async function iptablesSave({ variant = 'nft', family = 4, ...where }: IptablesScope = {}): Promise<string> {
  return await runTool({ command: [program(variant, family, 'save')], ...where });
}

/**
 * Changes rules by one run of iptables-restore(8): each table of the input is committed as a whole. A failure is
 * TOOL_FAILED with the tool's reason and the line of the input that it names.
 */
export async function iptablesRestore(text: string, options: IptablesRestoreOptions): Promise<void> {
  const { variant = 'nft', family = 4, test = false, namespace, signal, deadlineMs = TOOL_DEADLINE_MS } = options;
  // Another program's lock on the legacy rules is waited for during half of the time; the tool itself says when it was
  // in vain. iptables-nft has no lock and accepts the option.
  const wait = `--wait=${Math.max(1, Math.floor(deadlineMs / 2000))}`;
  const args = ['--noflush', wait, ...(test ? ['--test'] : [])];
  await runTool({
    command: [program(variant, family, 'restore'), ...args],
    input: text,
    namespace,
    signal,
    deadlineMs,
  });
}

/** How many rules and own chains each variant holds; 0 for one that is not installed. */
export async function countIptables(
  scope: Omit<IptablesScope, 'variant'> = {},
): Promise<Readonly<Record<IptablesVariant, number>>> {
  const [nft, legacy] = await Promise.all([countIn('nft', scope), countIn('legacy', scope)]);
  return { nft, legacy };
}

/** The variant that a node uses: the one that holds more rules, `nft` when neither does. */
export async function detectIptables(scope: Omit<IptablesScope, 'variant'> = {}): Promise<IptablesVariant> {
  const { nft, legacy } = await countIptables(scope);
  return legacy > nft ? 'legacy' : 'nft';
}

async function countIn(variant: IptablesVariant, scope: Omit<IptablesScope, 'variant'>): Promise<number> {
  try {
    // A rule, or a chain without a policy, which somebody made.
    return (await iptablesSave({ ...scope, variant })).match(/^(-A |:\S+ - )/gm)?.length ?? 0;
  } catch (error) {
    if (isTenetError(error, 'TOOL_MISSING')) return 0;
    throw error;
  }
}

function program(variant: IptablesVariant, family: Family, verb: 'save' | 'restore'): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}-${verb}`;
}
