import { failNetfilter, isBuiltIn } from '@tenet/netfilter';
import { dispatchOf, type Installed, type InstalledTable, type Jump } from './installed.ts';
import { isServiceChain, type Layout, type OwnChains, type TableName } from './own-chains.ts';

/** A table while it is read. */
interface Draft extends InstalledTable {
  readonly table: TableName;
  readonly own: OwnChains;
  readonly jumps: Jump[];
  readonly calledByOthers: Set<string>;
}

/**
 * Finds our chains in what iptables-save prints, without taking rules apart: a chain of a service is one piece of the
 * text, and only rules of others that may call us are looked into. RULESET_MALFORMED for text that is no listing or
 * was cut.
 */
export function readInstalled(listing: string, own: Layout): Installed {
  const text = listing.includes('\n[') ? listing.replace(/^\[\d+:\d+\] /gm, '') : listing;
  const found: Record<TableName, Draft> = { nat: newDraft('nat', own.nat), filter: newDraft('filter', own.filter) };
  let table: string | undefined;
  let draft: Draft | undefined;
  for (let at = 0; at < text.length; ) {
    const end = endOfLine(text, at);
    switch (text[at]) {
      case '#':
      case '\n':
        break;
      case '*':
        if (table !== undefined) malformed(text, at, 'starts a table before the COMMIT of the one before');
        table = text.slice(at + 1, end);
        draft = table === 'nat' || table === 'filter' ? found[table] : undefined;
        break;
      case 'C':
        if (table === undefined || text.slice(at, end) !== 'COMMIT') malformed(text, at, 'is no COMMIT of a table');
        table = undefined;
        draft = undefined;
        break;
      case ':':
        if (table === undefined) malformed(text, at, 'stands outside a table');
        if (draft !== undefined) declare(draft, nameAt(text, at + 1, end));
        break;
      case '-': {
        if (table === undefined) malformed(text, at, 'stands outside a table');
        if (!text.startsWith('-A ', at)) malformed(text, at, 'is neither chain, rule nor COMMIT');
        const chain = nameAt(text, at + 3, end);
        const past = endOfChain(text, end, `-A ${chain} `);
        if (draft !== undefined) take(draft, chain, text.slice(at, past));
        at = past;
        continue;
      }
      default:
        malformed(text, at, 'is neither chain, rule nor COMMIT');
    }
    at = end + 1;
  }
  if (table !== undefined) malformed(text, text.length, 'is the last and no COMMIT came before');
  return { nat: withoutDraft(found.nat), filter: withoutDraft(found.filter) };
}

function newDraft(table: TableName, own: OwnChains): Draft {
  return { table, own, chains: new Map(), dispatch: new Map(), jumps: [], calledByOthers: new Set() };
}

function withoutDraft({ chains, dispatch, jumps, calledByOthers }: Draft): InstalledTable {
  return { chains, dispatch, jumps, calledByOthers };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function nameAt(text: string, at: number, end: number): string {
  const space = text.indexOf(' ', at);
  return text.slice(at, space < 0 || space > end ? end : space);
}

/** Where the rules of a chain that begin with `start` end; iptables-save prints a chain's rules one after the other. */
function endOfChain(text: string, lineEnd: number, start: string): number {
  let at = lineEnd + 1;
  while (text.startsWith(start, at)) at = endOfLine(text, at) + 1;
  return Math.min(at, text.length);
}

function declare(draft: Draft, chain: string): void {
  const end = draft.own.dispatch.get(chain);
  if (end !== undefined) draft.dispatch.set(chain, dispatchOf(chain, '', end));
  else if (draft.own.constant.has(chain) || isServiceChain(draft.table, chain)) draft.chains.set(chain, '');
}

function take(draft: Draft, chain: string, lines: string): void {
  const before = draft.chains.get(chain);
  const end = draft.own.dispatch.get(chain);
  if (before !== undefined) draft.chains.set(chain, before + lines);
  else if (end !== undefined) draft.dispatch.set(chain, dispatchOf(chain, lines, end));
  else takeCalls(draft, chain, lines);
}

/** A chain of others: which of ours does it call? A comment is no call. */
function takeCalls(draft: Draft, chain: string, lines: string): void {
  if (!lines.includes(' KUBE-')) return;
  for (const line of lines.split('\n')) {
    const [, target = ''] = / -[jg] (KUBE-\S+)/.exec(line.replace(/"(?:[^"\\]|\\.)*"/g, '""')) ?? [];
    const { own, table } = draft;
    if (!own.dispatch.has(target) && !own.constant.has(target) && !isServiceChain(table, target)) continue;
    if (isBuiltIn(table, chain)) draft.jumps.push({ chain, rule: line.slice(`-A ${chain} `.length), target });
    else draft.calledByOthers.add(target);
  }
}

function malformed(text: string, at: number, problem: string): never {
  const line = text.slice(0, at).split('\n').length;
  return failNetfilter('RULESET_MALFORMED', { line, text: text.slice(at, endOfLine(text, at)), problem });
}
