import type { WatchCache } from '@tenet/kube';
import type { ObjectOf } from '@tenet/model';
import type { Clock, Logger } from '@tenet/std';
import type { Action, OwnedKind } from './action.ts';
import { applyAction, type Outcome, type Writer } from './apply-action.ts';
import { PendingWrites } from './pending-writes.ts';

/** Writes under way at once: enough to hide a round trip, few enough for a busy API server. */
const WRITES_AT_ONCE = 10;

/** Settings of `OwnedObjects`. */
export interface OwnedObjectsOptions<K extends OwnedKind> {
  readonly kind: K;
  readonly cache: Pick<WatchCache<ObjectOf[K]>, 'get' | 'entries'>;
  readonly client: Writer;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The objects of one kind that the controller writes: what the cache shows, and what it does not show yet. */
export class OwnedObjects<K extends OwnedKind> {
  readonly #options: OwnedObjectsOptions<K>;
  readonly #pending = new PendingWrites<ObjectOf[K]>();

  constructor(options: OwnedObjectsOptions<K>) {
    this.#options = options;
  }

  /** True while the cache has not shown every write. */
  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** All objects, with every write of ours; rejects when one is in doubt and the API server does not answer. */
  async view(): Promise<ReadonlyMap<string, ObjectOf[K]>> {
    const { kind, cache, client, clock } = this.#options;
    await inParallel(this.#pending.overdue(clock.nowMs()), async (name) => {
      const seen = cache.get(name);
      const object = await client.get(kind, { name });
      this.#pending.verified(name, { nowMs: clock.nowMs(), object, seen });
    });
    return this.#pending.over(cache.entries);
  }

  /** Applies all, or as many as there is time for; rejects with the first failure after all have been tried. */
  async apply(actions: readonly Action<K>[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { client, log, clock } = this.#options;
    const outcomes: Outcome[] = [];
    const failures: unknown[] = [];
    await inParallel(actions, async (action) => {
      if (signal.aborted) return;
      try {
        outcomes.push(await applyAction(action, { client, pending: this.#pending, log, clock }));
      } catch (error) {
        failures.push(error);
      }
    });
    if (failures.length > 0) throw failures[0];
    return outcomes;
  }
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(WRITES_AT_ONCE, items.length) }, worker));
}
