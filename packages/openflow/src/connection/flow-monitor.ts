/** What others do to the flow tables: timeouts, other sessions, operators (OpenFlow 1.4.1 §7.3.5, OFPMP_FLOW_MONITOR). */
import { isTenetError } from '@tenet/std';
import {
  type FlowMonitorRequest,
  type FlowUpdate,
  type FullUpdate,
  removalReason,
} from '../codec/flow-monitor-codec.ts';
import type { Message } from '../codec/message.ts';
import { OPENFLOW_13 } from '../codec/protocol.ts';
import type { Channel } from './channel.ts';
import { connectionError } from './errors.ts';

/** A change of the flow tables that this session did not ask for. */
export type ForeignChange =
  | {
      readonly event: 'added' | 'removed' | 'modified';
      readonly table: number;
      readonly priority: number;
      readonly cookie: bigint;
      /** Why the flow was removed, such as `delete` or `idle timeout`. */
      readonly reason?: string;
    }
  /** Changes come faster than we read: what changes until `resumed` may be told late and in part. */
  | { readonly event: 'paused' | 'resumed' };

/** Told what one message of the switch says, which is at least one change. It must not throw. */
export type ForeignChangesListener = (changes: readonly ForeignChange[]) => void;

/** One session has at most one monitor: an update does not say which monitor it is for. */
const MONITOR_ID = 1;

const WATCH: FlowMonitorRequest = { command: 'add', id: MONITOR_ID, flags: ['add', 'removed', 'modify'] };
const UNWATCH: FlowMonitorRequest = { command: 'delete', id: MONITOR_ID, flags: [] };

/**
 * Watches all tables of a session's bridge. What the session's own requests change, the switch abbreviates to their
 * xids, and that is no news here. Two things of our own are told as if others had done them, which Open vSwitch 3.1
 * does not tell apart: flows that go because we delete their group, and what we change while the monitor is paused.
 * Nothing that happened before the monitor began is told: whoever needs it reads the flows after that.
 */
export class FlowMonitor implements AsyncDisposable {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  static async start(channel: Channel, onForeignChanges: ForeignChangesListener): Promise<FlowMonitor> {
    const { peer, version } = channel;
    if (version === OPENFLOW_13) throw connectionError('OPENFLOW_MONITOR_UNSUPPORTED', { peer, version });
    channel.onUnsolicited((_header, message) => {
      const updates = updatesOf(message);
      if (updates === undefined) return false;
      const changes = updates.flatMap(foreignChange);
      if (changes.length > 0) onForeignChanges(changes);
      return true;
    });
    try {
      await ask(channel, WATCH);
    } catch (error) {
      channel.onUnsolicited(undefined);
      throw error;
    }
    return new FlowMonitor(channel);
  }

  /** Ends the monitor. When even that fails, the session ends, and the monitor with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await ask(this.#channel, UNWATCH);
    } catch (error) {
      if (!isTenetError(error)) throw error;
      this.#channel.close(error);
    }
    this.#channel.onUnsolicited(undefined);
  }
}

/** Both requests are answered by an empty reply, since nobody asks for the flows that are there already. */
function ask(channel: Channel, request: FlowMonitorRequest): Promise<true> {
  const what = `flow monitor ${request.command}`;
  return channel.request(
    { kind: 'multipart_request', type: 'flow_monitor', request },
    {
      what,
      take(message) {
        const updates = updatesOf(message);
        if (updates?.length === 0) return true;
        const reply = updates === undefined ? message.kind : `${updates.length} flow updates`;
        throw connectionError('OPENFLOW_REPLY_UNEXPECTED', { what, reply });
      },
    },
  );
}

function updatesOf(message: Message): readonly FlowUpdate[] | undefined {
  return message.kind === 'multipart_reply' && message.type === 'flow_monitor' ? message.entries : undefined;
}

function foreignChange(update: FlowUpdate): ForeignChange[] {
  switch (update.event) {
    case 'abbrev':
    case 'initial':
      return [];
    case 'added':
    case 'modified':
      return [{ event: update.event, ...nameOf(update) }];
    case 'removed':
      return [{ event: 'removed', ...nameOf(update), reason: removalReason(update.reason) }];
    case 'paused':
    case 'resumed':
      return [{ event: update.event }];
  }
}

function nameOf(update: FullUpdate): { table: number; priority: number; cookie: bigint } {
  const { table, priority, cookie } = 'flow' in update ? update.flow : update.unreadable;
  return { table, priority, cookie };
}
