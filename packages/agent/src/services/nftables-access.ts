import { type NftChange, NftNews, nftApply, nftListText, readNftGeneration } from '@tenet/host';
import { isTenetError } from '@tenet/std';
import { NftRulesWatch } from '../host/nft-rules-watch.ts';
import { nftablesConcerns, SERVICES_TABLE } from '../host/rules-concerns.ts';
import { Turns } from '../host/turns.ts';
import type { RulesAccess } from './rules-access.ts';

/** How the table is reached. */
export interface NftTools {
  readonly list: (signal: AbortSignal) => Promise<string>;
  readonly apply: (text: string, signal: AbortSignal) => Promise<void>;
  readonly readGeneration: () => number | undefined;
  readonly news: { take(): readonly NftChange[] | undefined } & Disposable;
}

/** 10,000 services are read in 1 s and written in 2. */
const TOOL_DEADLINE_MS = 30_000;

/** The table of services, which is all theirs. Each text that is written is one transaction. */
export function nftablesAccess(tools: NftTools = nftTools()): RulesAccess {
  const { news, readGeneration } = tools;
  const watch = new NftRulesWatch({ news, readGeneration, concernsOf: nftablesConcerns });
  const turns = new Turns();
  const readers = new Set<(installed: string) => void>();
  const show = (installed: string) => {
    for (const reader of readers) reader(installed);
  };
  // Moves when a write begins and when it ends.
  let writes = 0;
  const write = async (text: string, signal: AbortSignal) => {
    writes += 1;
    try {
      await watch.writing(1, () => tools.apply(text, signal));
    } finally {
      writes += 1;
    }
  };
  return {
    backEnd: 'nftables',
    isSuspect: () => watch.look().has('services'),
    onRead(reader) {
      readers.add(reader);
      return { [Symbol.dispose]: () => void readers.delete(reader) };
    },
    read: ({ signal }) =>
      turns.take(() => watch.reading(['services'], async () => show(await emptyWhenMissing(tools.list(signal))))),
    async glance(signal) {
      const before = writes;
      const installed = await emptyWhenMissing(tools.list(signal));
      await turns.take(async () => {
        if (before === writes) show(installed);
      });
    },
    turn: (work, signal) => turns.take(() => work((text) => write(text, signal))),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

function nftTools(): NftTools {
  return {
    list: (signal) => nftListText({ what: `table ip ${SERVICES_TABLE}`, signal, deadlineMs: TOOL_DEADLINE_MS }),
    apply: (text, signal) => nftApply(text, { signal, deadlineMs: TOOL_DEADLINE_MS }),
    readGeneration: () => readNftGeneration(),
    news: NftNews.open(),
  };
}

/** A listing; empty when there is no such table. */
export async function emptyWhenMissing(listing: Promise<string>): Promise<string> {
  try {
    return await listing;
  } catch (error) {
    if (isTenetError(error, 'TOOL_FAILED') && `${error.facts.says}`.includes('No such file or directory')) return '';
    throw error;
  }
}
