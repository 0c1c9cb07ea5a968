import { setImmediate } from 'node:timers/promises';
import { type Flow, flowKey, sameFlow } from '@tenet/openflow';
import type { Change, Logger } from '@tenet/std';
import { coalesce } from '../coalesce.ts';
import { failAgent } from '../errors.ts';
import type { FlowPlan } from './flow-plan.ts';

/** A switch, as far as its flows go. */
export interface FlowSwitch {
  dumpFlows(): Promise<readonly Flow[]>;
  /** All of it or nothing, and in force when it resolves: no packet meets half a change. */
  change(add: readonly Flow[], remove: readonly Flow[]): Promise<void>;
}

/** What the reconciler needs. */
export interface FlowReconcilerOptions {
  /** The flows that should be there; undefined while that is not known, and then nothing is touched. */
  readonly desired: () => FlowPlan | undefined;
  readonly log: Logger;
  /** Hears of each change that was made. */
  readonly onChanged?: (change: { readonly added: number; readonly removed: number }) => void;
}

/**
 * Brings the switch's flows to what they should be, by difference from what it really has. What it has is read from
 * the switch on each connection and whenever that is in doubt; after a pass it has what it should.
 */
export class FlowReconciler {
  readonly #desired: FlowReconcilerOptions['desired'];
  readonly #log: Logger;
  readonly #onChanged: FlowReconcilerOptions['onChanged'];
  #switch: FlowSwitch | undefined;
  #wanted: FlowPlan | undefined;
  #installed: FlowPlan | undefined;
  #doubts = 0;

  /** Resolves when a pass that began after the call has brought the switch to the desired flows; rejects otherwise. */
  readonly sync: () => Promise<void>;

  constructor({ desired, log, onChanged }: FlowReconcilerOptions) {
    this.#desired = desired;
    this.#log = log;
    this.#onChanged = onChanged;
    this.sync = coalesce(() => this.#pass());
  }

  /** From now on this switch is the one; undefined while there is none. */
  attach(flowSwitch: FlowSwitch | undefined): void {
    this.#switch = flowSwitch;
    this.#installed = undefined;
  }

  /** Forgets what the switch was seen to have, so that a pass that begins after the call reads it again. */
  distrust(): void {
    this.#installed = undefined;
    this.#doubts += 1;
  }

  /** The flows that the switch has, as last seen; undefined when that is not known. */
  get installed(): FlowPlan | undefined {
    return this.#installed;
  }

  /** The flows that the last pass found desired; undefined before there was one. */
  get wanted(): FlowPlan | undefined {
    return this.#wanted;
  }

  async #pass(): Promise<void> {
    const flowSwitch = this.#switch;
    const desired = this.#desired();
    this.#wanted = desired;
    if (flowSwitch === undefined || desired === undefined)
      return failAgent('FLOWS_NOT_INSTALLED', { what: 'this node' });
    // What it has is what it should have, and neither has changed since.
    if (desired === this.#installed) return;
    const startedMs = performance.now();
    const doubts = this.#doubts;
    const change =
      this.#installed === undefined
        ? await differ(desired.flows, await flowSwitch.dumpFlows())
        : desired.since(this.#installed);
    // Unknown until the change has succeeded: a change that failed may or may not have happened.
    this.#installed = undefined;
    if (change.add.size + change.remove.size > 0) {
      await flowSwitch.change([...change.add.values()], [...change.remove.values()]);
      const ms = Math.round(performance.now() - startedMs);
      const counts = { added: change.add.size, removed: change.remove.size };
      this.#log.info('flows reconciled', { ...counts, ms });
      this.#onChanged?.(counts);
    }
    // A connection that was replaced meanwhile has other flows, and a doubt that came meanwhile stays one.
    if (this.#switch === flowSwitch && this.#doubts === doubts) this.#installed = desired;
  }
}

/** As many are compared in a few milliseconds; calls and echoes that came meanwhile are answered between. */
const FLOWS_A_TURN = 1_000;

/** What must change so that these flows become the desired ones. */
async function differ(desired: ReadonlyMap<string, Flow>, flows: readonly Flow[]): Promise<Change<Flow>> {
  const add = new Map(desired);
  const remove = new Map<string, Flow>();
  for (const [at, flow] of flows.entries()) {
    if (at % FLOWS_A_TURN === FLOWS_A_TURN - 1) await setImmediate();
    const key = flowKey(flow);
    const wanted = desired.get(key);
    if (wanted === undefined) remove.set(key, flow);
    else if (sameFlow(flow, wanted)) add.delete(key);
  }
  return { add, remove };
}
