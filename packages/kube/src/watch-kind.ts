import type { KindName, ObjectOf } from '@tenet/model';
import { backoffMs, type Clock, isTenetError, type Logger, sentenceOf } from '@tenet/std';
import { applyEvents, applyList, type Entry, emptyState, keyOf, type Same, versionOf } from './cache-state.ts';
import type { KubeClient } from './client.ts';
import type { Selection } from './list.ts';
import { outageOf } from './outage.ts';
import { startWatchdog } from './watchdog.ts';

/** What is known of one kind, always a whole state that was true at some time. */
export interface WatchCache<T> {
  /** Resolves after the first list; rejects when the signal aborts before. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  /** By `name`, or `namespace/name` for namespaced kinds. */
  get(key: string): T | undefined;
  readonly entries: ReadonlyMap<string, T>;
  /** Told after each batch which keys came, changed or went; the first list is a batch. */
  onChange(listener: (changed: ReadonlySet<string>) => void): Disposable;
  /** Resolves when the signal has aborted and nothing is under way any more. */
  readonly ended: Promise<void>;
}

/** Settings of `watchKind`. */
export interface WatchKindOptions<K extends KindName, T> extends Selection {
  /** What is kept of an object. An object that it throws for counts as absent, and is logged. */
  readonly project: (object: ObjectOf[K]) => T;
  /** When true for the old and the new projection of an object, nobody is told. Never true unless given. */
  readonly same?: Same<T>;
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1): spreads retries and the ends of watches. */
  readonly random: () => number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Objects in one page of a list. */
  readonly limit?: number;
  /** The server is asked to end each watch after one to two times this; 5 minutes unless told. */
  readonly watchMs?: number;
  /** A watch over which nothing came for this long, not even a bookmark, is cut and resumed; 2 minutes unless told. */
  readonly silenceMs?: number;
}

/** From 0.5 s to 30 s: a server that restarts is found soon, one that is down is not hammered. */
const BACKOFF = { firstMs: 500, maxMs: 30_000 };
/** The server, or the way to it, is at fault, and so for all kinds: told once. */
const OUTAGES = new Set(['KUBE_UNREACHABLE', 'KUBE_DEADLINE', 'KUBE_CREDENTIALS_LATE', 'KUBE_UNAVAILABLE']);
/** After a watch that ended sooner than this the next one waits, whatever it brought: the version says where to go on. */
const SHORT_WATCH_MS = 1000;

/**
 * Keeps a kind: lists it, watches it from there on, resumes a watch that ended, and lists again, after a pause, when the
 * server no longer holds the version (410) or the connection broke. A list is compared with what is known, so that what
 * went in between is reported as gone.
 */
export function watchKind<K extends KindName, T>(
  client: KubeClient,
  kind: K,
  options: WatchKindOptions<K, T>,
): WatchCache<T> {
  const { project, same = () => false, log, clock, random, signal, limit } = options;
  const { watchMs = 300_000, silenceMs = 120_000 } = options;
  const selection: Selection = pickSelection(options);
  const state = emptyState<T>();
  const outage = outageOf(client);
  const listeners = new Set<(changed: ReadonlySet<string>) => void>();
  const first = Promise.withResolvers<void>();
  // Nobody has to wait for it.
  first.promise.catch(() => {});
  let isSynced = false;

  function entryOf(object: ObjectOf[K]): Entry<T> {
    const at = { key: keyOf(object), version: versionOf(object) };
    try {
      return { ...at, value: project(object) };
    } catch (error) {
      const remedy = isTenetError(error) ? error.remedy : `correct the ${kind}`;
      log.warn('object left out', { kind, name: at.key, error: sentenceOf(error), remedy });
      return at;
    }
  }

  function tell(changed: ReadonlySet<string>): void {
    if (changed.size === 0) return;
    for (const listener of [...listeners]) {
      try {
        listener(changed);
      } catch (error) {
        log.error('a listener failed', { kind, error: sentenceOf(error) });
      }
    }
  }

  async function list(): Promise<void> {
    const paging = limit === undefined ? {} : { limit };
    const { items, resourceVersion } = await client.listAs(kind, entryOf, { ...selection, ...paging, signal });
    outage.succeeded({ by: state, log, nowMs: clock.nowMs() });
    const changed = applyList(state, items, { resourceVersion, same });
    log.debug('listed', { kind, changed: changed.size, resourceVersion });
    tell(changed);
    isSynced = true;
    first.resolve();
  }

  /** One watch, until it ends or falls silent. True when it went on for long enough. */
  async function watch(resourceVersion: string): Promise<boolean> {
    const startedMs = clock.nowMs();
    await using watchdog = startWatchdog({ clock, silenceMs, signal });
    const timeoutSeconds = Math.max(1, Math.round((watchMs * (1 + random())) / 1000));
    const { heard, signal: cut } = watchdog;
    try {
      const events = client.watch(kind, { ...selection, resourceVersion, timeoutSeconds, signal: cut, heard });
      for await (const batch of events) {
        outage.succeeded({ by: state, log, nowMs: clock.nowMs() });
        tell(applyEvents(state, batch, { entryOf, same }));
      }
    } catch (error) {
      if (!watchdog.isSilent) throw error;
      log.debug('watch was silent', { kind, timeoutMs: silenceMs });
      return true;
    }
    return clock.nowMs() - startedMs >= SHORT_WATCH_MS;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const startedMs = clock.nowMs();
      let retryAfterMs = 0;
      try {
        if (state.resourceVersion === undefined) await list();
        else if (await watch(state.resourceVersion)) failures = 0;
        else failures++;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        state.resourceVersion = undefined;
        retryAfterMs = report(error, startedMs);
      }
      if (failures > 0 && !signal.aborted) {
        const pauseMs = Math.max(retryAfterMs, backoffMs(failures, random(), BACKOFF));
        await clock.sleep(pauseMs, signal).catch(() => {});
      }
    }
  }

  /** Logs why a list or a watch failed, once per outage; returns how long the server wants to be left alone. */
  function report(error: unknown, startedMs: number): number {
    if (!isTenetError(error)) {
      log.error('watch failed', { kind, error: sentenceOf(error) });
      return 0;
    }
    if (error.code === 'KUBE_GONE') log.debug('version is gone', { kind });
    else if (OUTAGES.has(error.code)) outage.failed(error, { by: state, log, startedMs });
    else log.warn('cannot watch', { kind, code: error.code, error: error.message, remedy: error.remedy });
    const { retryAfterMs } = error.facts;
    return typeof retryAfterMs === 'number' ? retryAfterMs : 0;
  }

  const ended = run().finally(() => {
    outage.left(state);
    first.reject(signal.reason);
  });
  ended.catch(() => {});
  return {
    synced: first.promise,
    get isSynced() {
      return isSynced;
    },
    get: (key) => state.values.get(key),
    entries: state.values,
    onChange(listener) {
      // Its own identity, so that one function may listen twice.
      const added = (changed: ReadonlySet<string>) => listener(changed);
      listeners.add(added);
      return { [Symbol.dispose]: () => void listeners.delete(added) };
    },
    ended,
  };
}

function pickSelection({ namespace, labelSelector, fieldSelector }: Selection): Selection {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}
