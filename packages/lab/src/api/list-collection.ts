import type { History } from './history.ts';
import { isJsonObject } from './json.ts';
import type { StoredObject } from './object.ts';
import type { ResourceSpec } from './resources.ts';
import { byCodeUnit, lowerBound, type SortedObjects } from './sorted-objects.ts';
import { StatusError } from './status.ts';

/** What a list asks for. */
export interface ListQuery {
  /** Unset: all namespaces. */
  readonly namespace?: string | undefined;
  /** The selectors; unset: everything. */
  readonly matches?: ((object: StoredObject) => boolean) | undefined;
  readonly limit?: number | undefined;
  /** The token of the page before. */
  readonly continue?: string | undefined;
  /** Empty or `0`: whatever is newest. */
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
}

/** One page, and the version at which all pages of the list are true. */
export interface ListResult {
  readonly items: readonly StoredObject[];
  readonly version: number;
  readonly continue?: string;
  /** Known only for a list without selectors, as in the original. */
  readonly remainingItemCount?: number;
}

/** One page of a collection, as it was at the version at which the list began. */
export function listCollection(
  resource: ResourceSpec,
  { objects, history, query }: { objects: SortedObjects; history: History; query: ListQuery },
): ListResult {
  const { version, after } = startOf(query, history);
  const past =
    version === history.version ? new Map<string, StoredObject | undefined>() : history.stateAt(version, resource);
  const revived = [...past.keys()].filter((key) => objects.get(key) === undefined);
  const keys = revived.length === 0 ? objects.keys : [...objects.keys, ...revived].sort(byCodeUnit);

  const prefix = query.namespace === undefined ? '' : `${query.namespace}/`;
  const limit = query.limit || Number.POSITIVE_INFINITY;
  const items: StoredObject[] = [];
  let last = '';
  for (let i = lowerBound(keys, after === '' ? prefix : after); i < keys.length; i++) {
    const key = keys[i] ?? '';
    if (!key.startsWith(prefix)) break;
    if (key === after) continue;
    const object = past.has(key) ? past.get(key) : objects.get(key);
    if (object === undefined || query.matches?.(object) === false) continue;
    if (items.length === limit) {
      const remaining = query.matches === undefined ? countFrom(keys, i, { prefix, past }) : undefined;
      return {
        items,
        version,
        continue: encodeToken({ version, after: last }),
        ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
      };
    }
    items.push(object);
    last = key;
  }
  return { items, version };
}

function countFrom(
  keys: readonly string[],
  start: number,
  { prefix, past }: { prefix: string; past: ReadonlyMap<string, StoredObject | undefined> },
): number {
  let count = 0;
  for (let i = start; i < keys.length; i++) {
    const key = keys[i] ?? '';
    if (!key.startsWith(prefix)) break;
    if (!past.has(key) || past.get(key) !== undefined) count++;
  }
  return count;
}

interface Start {
  readonly version: number;
  /** The last key of the page before. */
  readonly after: string;
}

function startOf(query: ListQuery, history: History): Start {
  const { resourceVersion: asked = '', resourceVersionMatch: match } = query;
  if (query.continue) {
    const token = decodeToken(query.continue);
    if (!history.holds(token.version)) {
      throw new StatusError('Expired', 'the continue parameter is too old; list again without it');
    }
    return token;
  }
  if (match !== undefined && match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    throw new StatusError('Invalid', `resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}`);
  }
  if (asked === '' || asked === '0') return { version: history.version, after: '' };
  const version = parseVersion(asked);
  if (version > history.version) {
    const message = `Too large resource version: ${version}, current: ${history.version}`;
    throw new StatusError('Timeout', message, { causes: [{ reason: 'ResourceVersionTooLarge', message }] });
  }
  if (match !== 'Exact') return { version: history.version, after: '' };
  if (!history.holds(version)) throw new StatusError('Expired', `resource version ${version} is too old`);
  return { version, after: '' };
}

/** Clients treat versions as opaque; here they are decimal numbers. */
export function parseVersion(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw new StatusError('BadRequest', `resourceVersion: Invalid value: ${JSON.stringify(text)}`);
  }
  return Number(text);
}

function encodeToken({ version, after }: Start): string {
  return btoa(encodeURIComponent(JSON.stringify({ version, after })));
}

function decodeToken(text: string): Start {
  try {
    const token: unknown = JSON.parse(decodeURIComponent(atob(text)));
    if (isJsonObject(token)) {
      const { version, after } = token;
      if (typeof version === 'number' && typeof after === 'string') return { version, after };
    }
  } catch {
    // Refused below, whatever is wrong with it.
  }
  throw new StatusError('BadRequest', 'the continue parameter is not one that this server gave');
}
