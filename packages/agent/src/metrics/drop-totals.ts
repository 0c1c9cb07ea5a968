import { type Flow, flowKey } from '@tenet/openflow';
import { DROP_CLASS_NAMES, type DropClass, readCookie } from '@tenet/pipeline';

/** What a flow's counter said when it was read last. */
interface Reading {
  readonly dropClass: DropClass;
  readonly packets: bigint;
}

/**
 * How many packets were dropped for each reason since the daemon started, whatever becomes of the flows that count
 * them. A flow's own counter starts from zero when the switch restarts or the flow is deleted and added again; the
 * totals never go backwards. What a flow counted between its last reading and its end is not known to anybody.
 */
export class DropTotals {
  readonly #totals = new Map<DropClass, bigint>(DROP_CLASS_NAMES.map((name) => [name, 0n]));
  #readings = new Map<string, Reading>();
  #begun = 0;
  /** Which of the readings that were begun was taken last. */
  #taken = 0;

  /** Packets by class; every class is there. */
  get all(): ReadonlyMap<DropClass, bigint> {
    return this.#totals;
  }

  /**
   * To be called before the switch is asked; the answer takes the drop flows that it says. Who asks later may be answered
   * first: after that an older answer is passed over, since its smaller numbers would look like counters that began anew.
   */
  begin(): (flows: readonly Flow[]) => void {
    const turn = ++this.#begun;
    return (flows) => {
      if (turn <= this.#taken) return;
      this.#taken = turn;
      this.#observe(flows);
    };
  }

  /**
   * Flows of other kinds are passed over. Only a smaller number of packets says that a counter began anew: a flow that
   * is added over itself keeps its packets and loses its age (OVS 3.1; OpenFlow 1.4.1 §6.4, OFPFF_RESET_COUNTS).
   */
  #observe(flows: readonly Flow[]): void {
    const now = new Map<string, Reading>();
    for (const flow of flows) {
      const dropClass = readCookie(flow.cookie)?.dropClass;
      if (dropClass === undefined) continue;
      const key = flowKey(flow);
      const packets = flow.stats?.packets ?? 0n;
      const before = this.#readings.get(key);
      const isSameCounter = before?.dropClass === dropClass && before.packets <= packets;
      this.#add(dropClass, isSameCounter ? packets - before.packets : packets);
      now.set(key, { dropClass, packets });
    }
    this.#readings = now;
  }

  #add(dropClass: DropClass, packets: bigint): void {
    this.#totals.set(dropClass, (this.#totals.get(dropClass) ?? 0n) + packets);
  }
}
