import { runTool } from './tool.ts';

/** How to apply a ruleset. */
export interface NftOptions {
  /** The path of the network namespace; the caller's own when left out. */
  readonly namespace?: string;
  /** Check it without committing. */
  readonly check?: boolean;
  readonly signal?: AbortSignal;
  /** 10 s when left out. */
  readonly deadlineMs?: number;
}

/** What to list. */
export interface NftListOptions {
  /** As after `nft list`: `ruleset`, `chain ip tenet services`, `map ip tenet endpoints`. */
  readonly what?: string;
  readonly namespace?: string;
  readonly signal?: AbortSignal;
  /** 10 s when left out. */
  readonly deadlineMs?: number;
}

/** Lists the ruleset, or a part of it, as JSON text (libnftables-json(5)). TOOL_FAILED when there is no such thing. */
export async function nftListText({ what = 'ruleset', ...where }: NftListOptions = {}): Promise<string> {
  return await runTool({ command: ['nft', '-j', 'list', ...what.split(' ')], ...where });
}

/** One object of a listing, such as `{ chain: {…} }` (libnftables-json(5)). */
export type NftObject = Readonly<Record<string, unknown>>;

/** Applies commands of nft(8) as one transaction. A failure is TOOL_FAILED with the line of the input that is at fault. */
export async function nftApply(text: string, { check = false, ...where }: NftOptions = {}): Promise<void> {
  await runTool({ command: ['nft', ...(check ? ['-c'] : []), '-f', '-'], input: text, ...where });
}

/** Lists the ruleset, or a part of it, without the line about the tool itself. */
export async function nftList(options: NftListOptions = {}): Promise<NftObject[]> {
  const answer: unknown = JSON.parse(await nftListText(options));
  return objectsIn(answer).filter((object) => !('metainfo' in object));
}

function objectsIn(answer: unknown): NftObject[] {
  const list = typeof answer === 'object' && answer !== null && 'nftables' in answer ? answer.nftables : [];
  return Array.isArray(list) ? list.filter((each): each is NftObject => typeof each === 'object' && each !== null) : [];
}
