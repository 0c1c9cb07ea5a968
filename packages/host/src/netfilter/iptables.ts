import { type Family, isTenetError } from '@tenet/std';
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

/** What to read of the rules. */
export interface IptablesSaveOptions extends IptablesScope {
  /** What each rule has counted too. */
  readonly counters?: boolean;
  /** All tables when left out. */
  readonly table?: string;
}

/** What to list of one table of the `nft` variant. */
export interface IptablesListOptions extends Omit<IptablesScope, 'variant'> {
  readonly table: string;
  /** All chains when left out. */
  readonly chain?: string;
}

/** How to change rules. */
export interface IptablesRestoreOptions extends IptablesScope {
  /** Only ever so: what the input does not name stays as it is. */
  readonly noflush: true;
  /** Parse and build the rules without committing them. */
  readonly test?: boolean;
}

/** The exit status of iptables when it was asked for a chain that is not there. */
const NO_CHAIN = 1;

/** The rules of all tables in the format of iptables-save(8). TOOL_MISSING when the variant is not installed. */
export async function iptablesSave(options: IptablesSaveOptions = {}): Promise<string> {
  const { variant = 'nft', family = 4, counters = false, table, ...where } = options;
  const args = [...(counters ? ['--counters'] : []), ...(table === undefined ? [] : ['--table', table])];
  return await runTool({ command: [program(variant, family, 'save'), ...args], ...where });
}

/**
 * The rules of one table or chain of the `nft` variant, with what they have counted, as `iptables -S -v` prints them
 * (`parseIptablesList` of netfilter reads that): it asks the kernel for no others, where iptables-save asks for all, of
 * whatever table. Empty when there is no such chain. (The legacy variant waits for the lock of the writers for it, and
 * gets whole tables in any case.)
 */
export async function iptablesList(options: IptablesListOptions): Promise<string> {
  const { family = 4, table, chain, ...where } = options;
  const program = `${family === 4 ? 'iptables' : 'ip6tables'}-nft`;
  try {
    return await runTool({ command: [program, '-v', '-t', table, '-S', ...(chain ? [chain] : [])], ...where });
  } catch (error) {
    // It calls a chain that is not there incompatible.
    if (chain !== undefined && isTenetError(error, 'TOOL_FAILED') && error.facts.status === NO_CHAIN) return '';
    throw error;
  }
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

function program(variant: IptablesVariant, family: Family, verb: 'save' | 'restore'): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}-${verb}`;
}
