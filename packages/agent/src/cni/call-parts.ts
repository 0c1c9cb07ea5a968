/** What a call of the plugin spends its time on, in words for when it gives up there. */
const CALL_PARTS = {
  queue: 'waiting for another call for the same interface',
  ovsdb: 'waiting for ovsdb-server',
  vnid: "waiting for the project's VNID",
  lease: "writing the address's lease",
  link: "making the pod's interface",
  port: 'waiting for ovs-vswitchd and its port',
  flows: "waiting for the pod's flows",
} as const;

type CallPart = keyof typeof CALL_PARTS;

/** A stopwatch for the parts of one call. */
export class CallParts {
  readonly #nowMs: () => number;
  readonly #spentMs = new Map<CallPart, number>();
  #current: { readonly part: CallPart; readonly sinceMs: number } | undefined;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Ends the part before and begins this one; a part may come again. */
  begin(part: CallPart): void {
    this.end();
    this.#current = { part, sinceMs: this.#nowMs() };
  }

  end(): void {
    if (this.#current === undefined) return;
    const { part, sinceMs } = this.#current;
    this.#spentMs.set(part, (this.#spentMs.get(part) ?? 0) + this.#nowMs() - sinceMs);
    this.#current = undefined;
  }

  /** What the call does now, in words. */
  get doing(): string {
    return this.#current === undefined ? 'answering' : CALL_PARTS[this.#current.part];
  }

  /** The milliseconds of each part so far, to a tenth. */
  get ms(): Readonly<Partial<Record<CallPart, number>>> {
    return Object.fromEntries([...this.#spentMs].map(([part, ms]) => [part, Math.round(ms * 10) / 10]));
  }
}

/** How long a call may take, and where it notes what it does. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly parts: CallParts;
}
