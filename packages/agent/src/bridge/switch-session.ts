import type { SwitchConnection } from '@tenet/openflow/connection';
import type { Clock, Logger } from '@tenet/std';
import type { FlowReconciler } from '../flows/flow-reconciler.ts';
import { openFlowSwitch } from '../flows/open-flow-switch.ts';
import { watchFlows } from '../flows/watch-flows.ts';
import { raced } from '../raced.ts';
import { type KnownPort, ofPortsAgree } from './of-ports-agree.ts';

/** What a session with the switch needs. */
export interface SwitchSessionOptions {
  readonly flows: Pick<FlowReconciler, 'attach' | 'sync'>;
  /** The ports of br0 as the database has them. */
  readonly known: () => readonly KnownPort[];
  /** Others have changed flows. */
  readonly onForeign: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Later fragments match no ports: else forged VXLAN would pass in fragments (OpenFlow 1.4.1 §6.4.4, OFPC_FRAG_*). */
const FRAGMENT_MODE = 'nx-match';

/** The connection to the switch of the moment, and what a switch must be told before its first flow. */
export class SwitchSession {
  readonly #options: SwitchSessionOptions;
  #connection: SwitchConnection | undefined;
  #isMonitored = false;
  #arrival = Promise.withResolvers<void>();

  constructor(options: SwitchSessionOptions) {
    this.#options = options;
  }

  /** The connection, once flows may be sent over it; undefined while there is none. */
  get connection(): SwitchConnection | undefined {
    return this.#connection;
  }

  /** Whether the switch tells of foreign changes to its flows. */
  get isMonitored(): boolean {
    return this.#isMonitored;
  }

  /**
   * Makes a switch that has just come forward packets. It may have forgotten everything, so the order matters: fragment
   * mode; ports whose numbers are certain; the monitor, so that nothing is missed after the first look; flows.
   */
  async begin(connection: SwitchConnection, ended: AbortSignal): Promise<void> {
    const { flows, known, onForeign, clock, log, signal } = this.#options;
    ended.addEventListener('abort', () => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#arrival = Promise.withResolvers();
      flows.attach(undefined);
    });
    await connection.setFragmentMode(FRAGMENT_MODE);
    await ofPortsAgree(connection, { known, clock, signal: AbortSignal.any([signal, ended]) });
    this.#isMonitored = await watchFlows(connection, { onForeign, log });
    this.#connection = connection;
    flows.attach(openFlowSwitch(connection, log));
    this.#arrival.resolve();
    await flows.sync();
  }

  /**
   * Resolves when the switch has the flows that it should have, also when it restarts meanwhile; rejects with what the
   * reconciler says of a switch that is there, or with the signal's reason.
   */
  async synced(signal: AbortSignal): Promise<void> {
    for (;;) {
      await raced(this.#arrival.promise, signal);
      const before = this.#connection;
      if (before === undefined) continue;
      try {
        return await raced(this.#options.flows.sync(), signal);
      } catch (error) {
        if (signal.aborted || this.#connection === before) throw error;
      }
    }
  }

  /** Puts the fragment mode back when somebody has changed it. */
  async keepFragmentMode(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const mode = await connection.fragmentMode();
    if (mode === FRAGMENT_MODE) return;
    await connection.setFragmentMode(FRAGMENT_MODE);
    this.#options.log.warn('fragment mode set again', {
      reason: `it was ${mode}`,
      remedy: 'find out who sets it on br0',
    });
  }
}
