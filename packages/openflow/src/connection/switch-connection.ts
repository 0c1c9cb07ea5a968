import type { TenetError } from '@tenet/std';
import type { CtFlush } from '../codec/ct-flush-codec.ts';
import type { FlowFilter, UnreadableFlow } from '../codec/flow-codec.ts';
import type { BundledMessage, Config, Features, FragmentMode, Message } from '../codec/message.ts';
import type { MultipartBodies, MultipartRequest, MultipartType, TableStats } from '../codec/multipart-codec.ts';
import type { PortDescription } from '../codec/port-codec.ts';
import type { Version } from '../codec/protocol.ts';
import type { Aggregate } from '../codec/stats-codec.ts';
import type { Flow } from '../flow.ts';
import type { Group } from '../group.ts';
import { type BundleOptions, sendBundle } from './bundle.ts';
import { type Channel, refused } from './channel.ts';
import { describeMod } from './describe-mod.ts';
import { connectionError } from './errors.ts';
import { FlowMonitor, type ForeignChangesListener } from './flow-monitor.ts';

/** Settings of `dumpFlows`. */
export interface DumpFlowsOptions {
  /** Takes flows that we cannot read; without it the first of them is OPENFLOW_FLOW_UNREADABLE. */
  readonly onUnreadable?: (flow: UnreadableFlow) => void;
}

/** A dump of very many flows takes the switch seconds. */
const DUMP_DEADLINE_MS = 60_000;

/** Far beyond what a node has; a reply that goes on and on ends here before the memory does. */
const MAX_ENTRIES = 1_000_000;

/**
 * An OpenFlow session with one bridge. Every wait has a deadline; what can go wrong is a TenetError of CONNECTION_ERRORS
 * or CODEC_ERRORS. `connectSwitch` makes one; disposing it closes it.
 */
export class SwitchConnection implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #maxEntries: number;
  #nextBundle = 1;

  /** `maxEntries` is how many a multipart reply may have. */
  constructor(channel: Channel, maxEntries = MAX_ENTRIES) {
    this.#channel = channel;
    this.#maxEntries = maxEntries;
  }

  get version(): Version {
    return this.#channel.version;
  }

  /** Resolves when the session ends: with the reason, or with undefined when it was disposed. */
  get closed(): Promise<TenetError | undefined> {
    return this.#channel.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#channel.closed;
  }

  /** Sends a message that has one answer and waits for it. OPENFLOW_REFUSED when the switch sends an error. */
  request(message: Message, deadlineMs: number = this.#channel.deadlineMs): Promise<Message> {
    return this.#channel.request(message, { what: message.kind, deadlineMs, take: (answer) => answer });
  }

  /** Waits until the switch has done all that it was sent. */
  async barrier(): Promise<void> {
    await this.#ask({ kind: 'barrier_request' }, 'barrier_reply');
  }

  features(): Promise<Features> {
    return this.#ask({ kind: 'features_request' }, 'features_reply');
  }

  fragmentMode(): Promise<FragmentMode> {
    return this.#config().then(({ fragments }) => fragments);
  }

  /** Sets what happens to IP fragments and verifies it. A switch forgets it when it restarts. */
  async setFragmentMode(wanted: FragmentMode): Promise<void> {
    const { missSendLen } = await this.#config();
    await this.apply({ kind: 'set_config', fragments: wanted, missSendLen });
    const actual = await this.fragmentMode();
    if (actual !== wanted) throw connectionError('OPENFLOW_FRAGMENT_MODE_REFUSED', { wanted, actual });
  }

  /** Sends a message that is answered only when it fails, and waits behind a barrier. */
  async apply(message: BundledMessage | CtFlush | Config<'set_config'>): Promise<void> {
    const xid = this.#channel.takeXids();
    let failure: TenetError | undefined;
    using _watch = this.#channel.watch(xid, 1, (_xid, error) => {
      failure = refused(nameOf(message), xid, error);
    });
    this.#channel.send(message, xid);
    await this.barrier();
    if (failure !== undefined) throw failure;
  }

  /** Applies all changes, or none: see `sendBundle`. */
  async bundle(mods: readonly BundledMessage[], options: BundleOptions = {}): Promise<void> {
    if (mods.length > 0) await sendBundle(this.#channel, this.#nextBundle++, mods, options);
  }

  /** Forgets tracked connections; without a zone, those of every zone. */
  flushConntrack(which: Omit<CtFlush, 'kind'>): Promise<void> {
    return this.apply({ kind: 'ct_flush', ...which });
  }

  /** The flows that the filter means, all unless told, with their counters, as the switch orders them. */
  async dumpFlows(filter: FlowFilter = {}, { onUnreadable }: DumpFlowsOptions = {}): Promise<Flow[]> {
    const entries = await this.#multipart({ kind: 'multipart_request', type: 'flow', request: filter });
    const flows: Flow[] = [];
    for (const entry of entries) {
      if ('flow' in entry) flows.push(entry.flow);
      else if (onUnreadable !== undefined) onUnreadable(entry.unreadable);
      else throw unreadable(entry.unreadable);
    }
    return flows;
  }

  /**
   * Tells of all changes of the flow tables that are not this session's own, from the answer on until it is disposed:
   * see `FlowMonitor`. OPENFLOW_MONITOR_UNSUPPORTED in OpenFlow 1.3, OPENFLOW_REFUSED by Open vSwitch before 2.16;
   * TypeError when the session's flows are monitored already.
   */
  monitorFlows(onForeignChanges: ForeignChangesListener): Promise<AsyncDisposable> {
    return FlowMonitor.start(this.#channel, onForeignChanges);
  }

  /** Counters of all flows that the filter means, summed by the switch. */
  async aggregate(filter: FlowFilter = {}): Promise<Aggregate> {
    const [sum] = await this.#multipart({ kind: 'multipart_request', type: 'aggregate', request: filter });
    return sum ?? { packets: 0n, bytes: 0n, flows: 0 };
  }

  dumpGroups(): Promise<Group[]> {
    return this.#multipart({ kind: 'multipart_request', type: 'group_desc', request: undefined });
  }

  portDescriptions(): Promise<PortDescription[]> {
    return this.#multipart({ kind: 'multipart_request', type: 'port_desc', request: undefined });
  }

  tableStats(): Promise<TableStats[]> {
    return this.#multipart({ kind: 'multipart_request', type: 'table', request: undefined });
  }

  #config(): Promise<Config<'get_config_reply'>> {
    return this.#ask({ kind: 'get_config_request' }, 'get_config_reply');
  }

  #ask<K extends Message['kind']>(message: Message, kind: K): Promise<Extract<Message, { kind: K }>> {
    return this.#channel.request(message, {
      what: message.kind,
      take: (answer) => answerOf(message.kind, answer, kind),
    });
  }

  /** Collects the parts of a reply; OPENFLOW_REPLY_ENDLESS when there is no end of them. */
  #multipart<T extends MultipartType>(
    request: Extract<MultipartRequest, { type: T }>,
  ): Promise<MultipartBodies[T]['reply'][number][]> {
    const what = `${request.type} request`;
    const maxEntries = this.#maxEntries;
    const entries: MultipartBodies[T]['reply'][number][] = [];
    return this.#channel.request(request, {
      what,
      deadlineMs: Math.max(DUMP_DEADLINE_MS, this.#channel.deadlineMs),
      take(answer) {
        const reply = answerOf(what, answer, 'multipart_reply');
        if (reply.type !== request.type)
          throw connectionError('OPENFLOW_REPLY_UNEXPECTED', { what, reply: reply.type });
        for (const entry of reply.entries) entries.push(entry);
        if (entries.length > maxEntries) throw connectionError('OPENFLOW_REPLY_ENDLESS', { what, maxEntries });
        return reply.more ? undefined : entries;
      },
    });
  }
}

/** What an error calls a message: a change of the tables by what it changes. */
function nameOf(message: Message): string {
  return message.kind === 'flow_mod' || message.kind === 'group_mod' ? describeMod(message) : message.kind;
}

function answerOf<K extends Message['kind']>(what: string, answer: Message, kind: K): Extract<Message, { kind: K }> {
  if (isKind(answer, kind)) return answer;
  throw connectionError('OPENFLOW_REPLY_UNEXPECTED', { what, reply: answer.kind });
}

function isKind<K extends Message['kind']>(message: Message, kind: K): message is Extract<Message, { kind: K }> {
  return message.kind === kind;
}

function unreadable({ table, priority, cookie, error }: UnreadableFlow): TenetError {
  return connectionError('OPENFLOW_FLOW_UNREADABLE', { table, priority, cookie: `0x${cookie.toString(16)}` }, error);
}
