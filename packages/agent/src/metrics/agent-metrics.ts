import { DROP_CLASSES, type DropClass } from '@tenet/pipeline';
import type { Clock } from '@tenet/std';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { type StepChange, StepRecord } from '../status/step-record.ts';

/** Who the daemon keeps a connection to. */
export type SwitchDaemon = 'ovsdb' | 'vswitchd';

/** A CNI call that has ended. */
export interface EndedCall {
  readonly command: string;
  /** 0, or the error code that the runtime was told (CNI 1.1.0, section 5). */
  readonly code: number;
  readonly seconds: number;
}

/** Commands of CNI 1.1.0, section 4: what a caller makes up must not become a time series. */
const CNI_COMMANDS: readonly string[] = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'];

/** From one comparison without a difference to a switch that takes thousands of flows. */
const STEP_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** From a repeated DEL to a call that gave up. */
const CNI_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30];

/** How often the delay of the event loop is sampled. */
const EVENT_LOOP_SAMPLE_MS = 200;

/**
 * What the daemon's core tells of its work, as it happens: the steps of its passes, what they changed, CNI calls,
 * connections. What can be asked for at any moment is no event, and is in `NodeStatus`.
 */
export class AgentMetrics {
  readonly registry = new Registry();
  readonly steps: StepRecord;
  readonly #durations = new Histogram({
    name: 'tenet_reconcile_duration_seconds',
    help: 'How long a step of a reconcile pass took; its count is the number of passes.',
    labelNames: ['step'],
    buckets: STEP_BUCKETS_S,
    registers: [this.registry],
  });
  readonly #failures = new Counter({
    name: 'tenet_reconcile_failures_total',
    help: 'Steps of reconcile passes that failed.',
    labelNames: ['step'],
    registers: [this.registry],
  });
  readonly #changes = new Counter({
    name: 'tenet_reconcile_changes_total',
    help: 'Entries that a step had to change, because something else was there than should be.',
    labelNames: ['step', 'change'],
    registers: [this.registry],
  });
  readonly #calls = new Counter({
    name: 'tenet_cni_calls_total',
    help: 'CNI calls by the code that the container runtime was told; 0 is success.',
    labelNames: ['command', 'code'],
    registers: [this.registry],
  });
  readonly #callDurations = new Histogram({
    name: 'tenet_cni_call_duration_seconds',
    help: 'How long a CNI call took in the daemon.',
    labelNames: ['command'],
    buckets: CNI_BUCKETS_S,
    registers: [this.registry],
  });
  readonly #connections = new Counter({
    name: 'tenet_connections_total',
    help: 'Connections made to a daemon of Open vSwitch; all but the first are reconnects.',
    labelNames: ['to'],
    registers: [this.registry],
  });
  readonly #drops = new Counter({
    name: 'tenet_drops_total',
    help: 'Packets that br0 dropped, by reason; alarming are those that nobody sends by mistake.',
    labelNames: ['class', 'alarming'],
    registers: [this.registry],
  });
  readonly #guardDrops = new Counter({
    name: 'tenet_guard_drops_total',
    help: "Packets that the host's own rules dropped before br0 or behind it, by guard.",
    labelNames: ['guard'],
    registers: [this.registry],
  });

  constructor({ clock }: { readonly clock: Pick<Clock, 'nowMs'> }) {
    this.steps = new StepRecord(clock);
    for (const to of ['ovsdb', 'vswitchd'] satisfies SwitchDaemon[]) this.#connections.inc({ to }, 0);
    // The library's own 10 ms would wake an idle process a hundred times a second.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
  }

  /** A step of a pass, or a pass of its own, has ended well. */
  reconciled(step: string, seconds: number): void {
    this.steps.succeeded(step, seconds);
    this.#durations.observe({ step }, seconds);
    // From the first pass on the series is there, so that the first failure is an increase.
    this.#failures.inc({ step }, 0);
  }

  stepFailed(step: string, seconds: number, error: unknown): void {
    this.steps.failed(step, seconds, error);
    this.#durations.observe({ step }, seconds);
    this.#failures.inc({ step });
  }

  /** A step found something else than should be, and has put it right. */
  changed(step: string, change: StepChange): void {
    this.steps.changed(step, change);
    for (const [kind, count] of Object.entries(change)) this.#changes.inc({ step, change: kind }, count);
  }

  cniCall({ command, code, seconds }: EndedCall): void {
    const known = CNI_COMMANDS.includes(command) ? command : 'other';
    this.#calls.inc({ command: known, code });
    this.#callDurations.observe({ command: known }, seconds);
  }

  /** A connection stands and is of use. */
  connected(to: SwitchDaemon): void {
    this.#connections.inc({ to });
  }

  /** The totals, which never fall. */
  dropped(totals: ReadonlyMap<DropClass, bigint>): void {
    this.#drops.reset();
    for (const [name, packets] of totals) {
      const alarming = String('alarming' in DROP_CLASSES[name]);
      this.#drops.inc({ class: name, alarming }, Number(packets));
    }
  }

  /** The totals of the guards, which never fall. */
  guarded(totals: readonly { readonly guard: string; readonly packets: number }[]): void {
    this.#guardDrops.reset();
    for (const { guard, packets } of totals) this.#guardDrops.inc({ guard }, packets);
  }
}
