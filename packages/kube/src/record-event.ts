import type { EventObject, KindName } from '@tenet/model';
import { apiVersionOf } from '@tenet/model';
import { type Clock, isTenetError } from '@tenet/std';
import type { KubeClient } from './client.ts';

/** What happened to which object. */
export interface EventToRecord {
  readonly object: {
    readonly kind: KindName;
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
  readonly type: 'Normal' | 'Warning';
  /** UpperCamelCase, for machines: `SubnetAllocated`. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  /** Who says so: `tenet-controller`. */
  readonly component: string;
  readonly clock: Clock;
}

/** Repeats within this time count up the event that is there; API servers keep events for an hour. */
const REPEAT_MS = 600_000;
/** Longest name of an object (RFC 1123 subdomain). */
const MAX_NAME_CHARS = 253;
/** Events remembered for each client. */
const REMEMBERED = 1000;

interface Recorded {
  readonly name: string;
  readonly namespace: string;
  readonly firstMs: number;
  count: number;
}

const recorded = new WeakMap<KubeClient, Map<string, Recorded>>();

/**
 * Records an Event, as `kubectl describe` shows it under the object; a repeat counts up the one that is there. Rejects
 * as any request does: whoever only tells may ignore that.
 */
export async function recordEvent(client: KubeClient, event: EventToRecord): Promise<void> {
  const known = recorded.get(client) ?? new Map<string, Recorded>();
  recorded.set(client, known);
  const { object, type, reason, message, component, clock } = event;
  const nowMs = clock.nowMs();
  const key = JSON.stringify([object, type, reason, message, component]);
  const before = known.get(key);
  if (before !== undefined && nowMs - before.firstMs < REPEAT_MS && (await repeat(client, before, nowMs))) return;

  const namespace = object.namespace ?? 'default';
  const created = await create(client, eventObject(event, namespace, nowMs), nowMs);
  known.delete(key);
  known.set(key, { name: created.metadata.name, namespace, firstMs: nowMs, count: 1 });
  const oldest = known.keys().next();
  if (known.size > REMEMBERED && !oldest.done) known.delete(oldest.value);
}

/** False when the server has forgotten the event. */
async function repeat(client: KubeClient, before: Recorded, nowMs: number): Promise<boolean> {
  const count = ++before.count;
  try {
    await client.patch('Event', before, { count, lastTimestamp: timestamp(nowMs) });
    return true;
  } catch (error) {
    if (isTenetError(error, 'KUBE_NOT_FOUND')) return false;
    throw error;
  }
}

/** Two processes may record about one object in the same millisecond: then the next name is taken. */
async function create(client: KubeClient, event: EventObject, nowMs: number): Promise<EventObject> {
  for (let serial = 0; ; serial++) {
    const suffix = `.${nowMs.toString(16)}${serial.toString(16).padStart(4, '0')}`;
    // A part of a name may end with neither a dot nor a hyphen.
    const name = event.metadata.name.slice(0, MAX_NAME_CHARS - suffix.length).replace(/[-.]+$/, '') + suffix;
    try {
      return await client.create('Event', { ...event, metadata: { ...event.metadata, name } });
    } catch (error) {
      if (!isTenetError(error, 'KUBE_ALREADY_EXISTS') || serial >= 100) throw error;
    }
  }
}

function eventObject(event: EventToRecord, namespace: string, nowMs: number): EventObject {
  const { object, type, reason, message, component } = event;
  return {
    apiVersion: apiVersionOf('Event'),
    kind: 'Event',
    metadata: { name: object.name, namespace },
    involvedObject: { apiVersion: apiVersionOf(object.kind), ...object },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: timestamp(nowMs),
    lastTimestamp: timestamp(nowMs),
    source: { component },
  };
}

/** metav1.Time has whole seconds. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
