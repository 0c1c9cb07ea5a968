/** Changes of our chains as data: text for iptables-restore is written from them, and what is known follows them. */
import { dispatchOf, type Installed } from './installed.ts';
import type { Layout, TableName } from './own-chains.ts';

export interface TableChain {
  readonly table: TableName;
  readonly chain: string;
}

/** A rule of a dispatch chain, or of a chain of others where it calls us. */
export interface ChainRule extends TableChain {
  readonly rule: string;
}

export interface ChainText extends TableChain {
  readonly text: string;
}

export interface Edits {
  /** Chains that are made or emptied, then filled with this text; a dispatch chain with none. */
  readonly filled: readonly ChainText[];
  /** Put in front of their dispatch chain. */
  readonly added: readonly ChainRule[];
  /** Put behind all of their dispatch chain, in this order. */
  readonly appended: readonly ChainRule[];
  /** Dispatch chains whose rules are all written anew, once all that is added is added. */
  readonly rewritten: readonly ChainText[];
  /** Chains whose rules all go. */
  readonly emptied: readonly TableChain[];
  /** Deleted once each. */
  readonly removed: readonly ChainRule[];
  /** Chains that are empty by then and that nobody calls. */
  readonly dropped: readonly TableChain[];
}

export function mergeEdits(all: readonly Partial<Edits>[]): Edits {
  return {
    filled: all.flatMap(({ filled = [] }) => filled),
    added: all.flatMap(({ added = [] }) => added),
    appended: all.flatMap(({ appended = [] }) => appended),
    rewritten: all.flatMap(({ rewritten = [] }) => rewritten),
    emptied: all.flatMap(({ emptied = [] }) => emptied),
    removed: all.flatMap(({ removed = [] }) => removed),
    dropped: all.flatMap(({ dropped = [] }) => dropped),
  };
}

/** How many lines they are written in. */
export function linesOf({ filled = [], rewritten = [], ...rest }: Partial<Edits>): number {
  const { added = [], appended = [], emptied = [], removed = [], dropped = [] } = rest;
  const lines = [...filled, ...rewritten].reduce((sum, { text }) => sum + 1 + rulesIn(text), 0);
  return lines + added.length + appended.length + emptied.length + removed.length + dropped.length;
}

/** How many rules a chain's text holds. */
export function rulesIn(text: string): number {
  let rules = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) rules++;
  return rules;
}

/**
 * The text for `iptables-restore --noflush`. A table is committed as a whole, but one table after the other: what
 * refuses a service comes before its translation goes, and goes after its translation came, so that at no moment a
 * packet finds neither. It takes nothing away from a packet that was translated.
 */
export function restoreText(edits: Edits): string {
  const { filled, added, appended, rewritten, emptied, removed, dropped } = edits;
  const nat = section('nat', edits);
  const coming = mergeEdits([{ filled, added, appended }]);
  const going = mergeEdits([{ rewritten, emptied, removed, dropped }]);
  return section('filter', coming) + nat + section('filter', going);
}

/** Names first, since rules may call any of them; removed rules before added ones, which may be equal. */
function section(of: TableName, edits: Edits): string {
  const { filled, added, appended, rewritten, emptied, removed, dropped } = edits;
  const isOf = ({ table }: TableChain): boolean => table === of;
  const texts = [...filled.filter(isOf), ...rewritten.filter(isOf)];
  const lines = [
    ...[...texts, ...emptied.filter(isOf)].map(({ chain }) => `:${chain} - [0:0]\n`),
    ...texts.map(({ text }) => text),
    ...removed.filter(isOf).map(({ chain, rule }) => `-D ${chain} ${rule}\n`),
    ...added.filter(isOf).map(({ chain, rule }) => `-I ${chain} 1 ${rule}\n`),
    ...appended.filter(isOf).map(({ chain, rule }) => `-A ${chain} ${rule}\n`),
    ...dropped.filter(isOf).map(({ chain }) => `-X ${chain}\n`),
  ];
  return lines.length === 0 ? '' : `*${of}\n${lines.join('')}COMMIT\n`;
}

/** Brings what is known to be installed up to date, once the edits have succeeded. */
export function applyEdits(installed: Installed, edits: Edits, own: Layout): void {
  const fill = ({ table, chain, text }: ChainText): void => {
    const end = own[table].dispatch.get(chain);
    if (end === undefined) installed[table].chains.set(chain, text);
    else installed[table].dispatch.set(chain, dispatchOf(chain, text, end));
  };
  const count = ({ table, chain, rule }: ChainRule, change: 1 | -1): void => {
    const rules = installed[table].dispatch.get(chain)?.rules;
    const times = (rules?.get(rule) ?? 0) + change;
    if (times > 0) rules?.set(rule, times);
    else rules?.delete(rule);
  };
  edits.filled.forEach(fill);
  for (const at of edits.emptied) fill({ ...at, text: '' });
  for (const rule of edits.removed) {
    const there = installed[rule.table];
    if (there.dispatch.has(rule.chain)) count(rule, -1);
    else there.jumps = there.jumps.filter((jump) => jump.chain !== rule.chain || jump.rule !== rule.rule);
  }
  for (const rule of [...edits.added, ...edits.appended]) count(rule, 1);
  for (const { table, chain } of edits.appended) {
    const dispatch = installed[table].dispatch.get(chain);
    if (dispatch !== undefined) dispatch.isEndRight = true;
  }
  edits.rewritten.forEach(fill);
  for (const { table, chain } of edits.dropped) {
    installed[table].chains.delete(chain);
    installed[table].dispatch.delete(chain);
  }
}
