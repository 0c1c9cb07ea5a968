import { isTenetError } from '@tenet/std';
import { failKube } from './errors.ts';

/** Which objects of a kind are meant. */
export interface Selection {
  /** Unset: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Settings of a list. */
export interface ListOptions extends Selection {
  /** Objects in one page; 500 unless told. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** What a page is asked for with. */
export type Paging = Readonly<Record<'limit' | 'continue', string | undefined>>;

/** How the pages of one list are had. */
export interface Pages<O, T> {
  readonly page: (paging: Paging) => Promise<unknown>;
  readonly project: (object: O) => T;
  readonly limit?: number | undefined;
}

const PAGE_ITEMS = 500;
/** Lists that expire between two pages, this often, are then asked for in one piece. */
const PAGED_TRIES = 3;

/** The query parameters of a selection. */
export function listQuery({ labelSelector, fieldSelector }: Selection): Record<string, string | undefined> {
  return { labelSelector, fieldSelector };
}

/**
 * Reads all pages of a list. The server may forget the version that the list began at (410): then the pages do not fit
 * together, and it starts again.
 */
export async function pagesOf<O, T>({ page, project, limit = PAGE_ITEMS }: Pages<O, T>) {
  for (let tries = 1; ; tries++) {
    const items: T[] = [];
    try {
      for (let token: string | undefined; ; ) {
        const size = tries > PAGED_TRIES ? undefined : String(limit);
        const answer = listOf<O>(await page({ limit: size, continue: token }));
        for (const item of answer.items) items.push(project(item));
        if (answer.continue === '') return { items, resourceVersion: answer.resourceVersion };
        token = answer.continue;
      }
    } catch (error) {
      if (!isTenetError(error, 'KUBE_GONE') || tries > PAGED_TRIES) throw error;
    }
  }
}

interface ListBody<O> {
  readonly items?: readonly O[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** The rim: a List of meta/v1. A server written in Go sends an empty list as null. */
function listOf<O>(body: unknown): { items: readonly O[]; resourceVersion: string; continue: string } {
  const { items, metadata } = (typeof body === 'object' && body !== null ? body : {}) as ListBody<O>;
  const resourceVersion = metadata?.resourceVersion;
  if (items === undefined || typeof resourceVersion !== 'string') {
    return failKube('KUBE_MALFORMED', { verb: 'list', path: '', problem: 'it is not a list' });
  }
  return { items: items ?? [], resourceVersion, continue: metadata?.continue ?? '' };
}
