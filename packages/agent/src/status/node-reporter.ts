import { join } from 'node:path';
import type { SwitchConnection } from '@tenet/openflow/connection';
import { unixctl } from '@tenet/ovsdb';
import { type Clock, isTenetError, type TenetError } from '@tenet/std';
import type { AgentConfig } from '../config.ts';
import { agentError } from '../errors.ts';
import type { AgentMetrics } from '../metrics/agent-metrics.ts';
import { DropTotals } from '../metrics/drop-totals.ts';
import { StatusGauges } from '../metrics/status-gauges.ts';
import { BRIDGE } from '../wired-pods.ts';
import type { Kept } from './keep-served.ts';
import type { NodeStatus } from './node-status.ts';
import type { NodeView } from './node-view.ts';
import { readDropFlows, readSwitch, type SwitchReading } from './read-switch.ts';
import { statusOf } from './status-of.ts';

export interface NodeReporterOptions {
  readonly config: AgentConfig;
  readonly metrics: AgentMetrics;
  readonly clock: Clock;
}

/** How long the switch may take to say what it has; who asks about the node waits no longer. */
const SWITCH_DEADLINE_MS = 2_000;

/** How often drops are read although nobody asks: what a flow counts after its last reading is lost with the flow. */
const READ_DROPS_MS = 2_000;

/**
 * Answers how the node is, at any moment of the daemon's life: it is made first, told what the start waits for, then
 * shown the core, then told that the node is ready.
 */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly #startedMs: number;
  readonly #drops = new DropTotals();
  readonly #gauges: StatusGauges;
  readonly #listeners: Kept[] = [];
  #waitsFor: string | undefined = 'the API server';
  #look: (() => NodeView) | undefined;
  #reading: Promise<SwitchReading> | undefined;
  #version: { readonly of: SwitchConnection; readonly text: string } | undefined;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
    this.#gauges = new StatusGauges(options.metrics.registry);
  }

  /** What the start waits for now. */
  waitsFor(what: string): void {
    this.#waitsFor = what;
  }

  /** From now on the core can be looked at. */
  observe(look: () => NodeView): void {
    this.#look = look;
  }

  /** The node carries pods. */
  ready(): void {
    this.#waitsFor = undefined;
  }

  /** A listener whose failure is worth a line in the status. */
  includes(listener: Kept): void {
    this.#listeners.push(listener);
  }

  /** Why the node does not carry pods now; undefined when it does. Asks nobody. */
  unready(): string | undefined {
    if (this.#waitsFor !== undefined) return agentError('NODE_STARTING', { waitsFor: this.#waitsFor }).message;
    const view = this.#look?.();
    const { database } = this.#options.config.openvswitch;
    if (view?.ovs.isConnected !== true) return agentError('OPEN_VSWITCH_NOT_READY', { database }).message;
    if (view.connection === undefined) return agentError('VSWITCHD_NOT_CONNECTED', this.#bridgeFacts()).message;
    if (view.notReady !== undefined) return view.notReady.error.message;
    return this.#options.metrics.steps.states.get('flows')?.failure?.sentence;
  }

  /** Why services are not forwarded as they should be; undefined when they are, or when that is another's business. */
  unreadyServices(): string | undefined {
    return this.#look?.().services?.unready?.message;
  }

  /** How the node is now. A switch that does not answer in time is itself an answer. */
  async read(): Promise<NodeStatus> {
    const { config, metrics } = this.#options;
    const before = this.#look?.();
    const [answer, guards, version] = await Promise.all([
      this.#ask(before?.connection),
      before?.guardDrops() ?? new Map<string, bigint>(),
      this.#versionOf(before),
    ]);
    // The switch may have come or gone while it was asked.
    const view = this.#look?.();
    return statusOf({
      config,
      startedMs: this.#startedMs,
      waitsFor: this.#waitsFor,
      unready: this.unready(),
      view,
      reading: answer.reading,
      unanswered: answer.error,
      version,
      drops: this.#drops.all,
      guards,
      steps: metrics.steps,
      notServed: this.#listeners.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
      bridgeSocket: this.#bridgeFacts().socket,
    });
  }

  /** All metrics, as of now. */
  async metrics(): Promise<{ readonly type: string; readonly text: string }> {
    const { metrics } = this.#options;
    const status = await this.read();
    this.#gauges.show(status);
    metrics.dropped(this.#drops.all);
    metrics.guarded(status.guards);
    return { type: metrics.registry.contentType, text: await metrics.registry.metrics() };
  }

  /** Reads the drops again and again, until the signal aborts. */
  async watchDrops(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const connection = this.#look?.().connection;
      // A switch that is gone or hangs is the passes' to report.
      if (connection !== undefined) await this.#readDrops(connection).catch(() => {});
      await clock.sleep(READ_DROPS_MS, signal).catch(() => {});
    }
  }

  async #readDrops(connection: SwitchConnection): Promise<void> {
    const answer = this.#drops.begin();
    answer(await readDropFlows(connection));
  }

  /** One question at a time: who asks while one is under way gets its answer. */
  async #ask(
    connection: SwitchConnection | undefined,
  ): Promise<{ readonly reading?: SwitchReading; readonly error?: TenetError }> {
    if (connection === undefined) return {};
    this.#reading ??= Promise.all([readSwitch(connection), this.#readDrops(connection)])
      .then(([reading]) => reading)
      .finally(() => {
        this.#reading = undefined;
      });
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, SWITCH_DEADLINE_MS, undefined);
    try {
      const reading = await Promise.race([this.#reading, late]);
      if (reading !== undefined) return { reading };
      return { error: agentError('VSWITCHD_SILENT', { waitedMs: SWITCH_DEADLINE_MS }) };
    } catch (error) {
      if (!isTenetError(error)) throw error;
      return { error };
    } finally {
      clearTimeout(timer);
    }
  }

  /** The version of ovs-vswitchd, asked once a connection. */
  async #versionOf({ connection, control }: Partial<NodeView> = {}): Promise<string | undefined> {
    if (connection === undefined || control === undefined) return undefined;
    if (this.#version?.of !== connection) {
      const text = await control()
        .then((path) => unixctl(path, 'version', [], { deadlineMs: SWITCH_DEADLINE_MS }))
        .catch(() => undefined);
      // `ovs-vswitchd (Open vSwitch) 3.1.0`
      const version = text?.trim().split(' ').at(-1);
      if (version === undefined) return undefined;
      this.#version = { of: connection, text: version };
    }
    return this.#version.text;
  }

  #bridgeFacts(): { readonly bridge: string; readonly socket: string } {
    return { bridge: BRIDGE, socket: join(this.#options.config.openvswitch.runDirectory, `${BRIDGE}.mgmt`) };
  }
}
