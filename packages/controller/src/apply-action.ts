import type { KubeClient } from '@tenet/kube';
import type { ObjectOf } from '@tenet/model';
import { type Clock, isTenetError, type Logger } from '@tenet/std';
import type { Action, OwnedKind, Unless } from './action.ts';
import type { PendingWrites } from './pending-writes.ts';
import type { Refusal } from './refusal.ts';

/** What came of an action: `lost` means that somebody else wrote first, `late` that a cache was behind. */
export type Outcome = 'done' | 'lost' | 'late' | Refusal;

/** As much of the API server as writes need. */
export type Writer = Pick<KubeClient, 'get' | 'create' | 'patch' | 'delete'>;

/** What an action is applied with. */
export interface Applier<K extends OwnedKind> {
  readonly client: Writer;
  readonly pending: PendingWrites<ObjectOf[K]>;
  readonly log: Logger;
  readonly clock: Clock;
}

const WRITTEN = {
  create: 'object created',
  patch: 'object patched',
  delete: 'object deleted',
  replace: 'object replaced',
} as const satisfies Record<Action<OwnedKind>['verb'], string>;

/** Answers after which the write is known not to have happened, since the object is not what the plan took it for. */
const LOST = new Set(['KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS', 'KUBE_NOT_FOUND']);

/**
 * Writes what a plan wants and remembers it until the cache shows it. Rejects when the API server fails; what became
 * of the write is then asked for before the next plan.
 */
export async function applyAction<K extends OwnedKind>(action: Action<K>, applier: Applier<K>): Promise<Outcome> {
  const { kind, verb, name, because } = action;
  try {
    if (!(await write(action, applier))) return 'late';
  } catch (error) {
    applier.pending.doubt(name);
    if (!isTenetError(error)) throw error;
    if (LOST.has(error.code)) return 'lost';
    if (error.code !== 'KUBE_REFUSED') throw error;
    return { subject: { kind, name }, error };
  }
  applier.log.info(WRITTEN[verb], { kind, name, reason: because });
  return 'done';
}

/** False when the owner of what was to be deleted turned out to be there. */
async function write<K extends OwnedKind>(action: Action<K>, { client, pending, clock }: Applier<K>): Promise<boolean> {
  const { kind, name } = action;
  switch (action.verb) {
    case 'create':
      pending.wrote(await client.create(kind, action.object), { nowMs: clock.nowMs() });
      return true;
    case 'patch': {
      const { from } = action;
      pending.wrote(await client.patch(kind, { name }, action.patch), { nowMs: clock.nowMs(), from });
      return true;
    }
    case 'delete':
      if (await exists(client, action.unless)) return false;
      await client.delete(kind, { name, uid: action.uid });
      pending.deleted(name, { nowMs: clock.nowMs(), uid: action.uid });
      return true;
    case 'replace':
      await client.delete(kind, { name, uid: action.uid });
      pending.deleted(name, { nowMs: clock.nowMs(), uid: action.uid });
      pending.wrote(await client.create(kind, action.object), { nowMs: clock.nowMs() });
      return true;
  }
}

async function exists(client: Writer, { kind, name, uid }: Unless): Promise<boolean> {
  const there = await client.get(kind, { name });
  return there !== undefined && (uid === undefined || there.metadata.uid === uid);
}
