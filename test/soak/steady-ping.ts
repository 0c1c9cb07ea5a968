import { ProbeSocket } from '@tenet/host';
import { echoReplyOf, echoRequest } from '@tenet/std';
import type { CastPod } from './cast.ts';

/** An echo request that was never answered. Times are those of `performance.now()`. */
export interface Loss {
  readonly sentMs: number;
}

/** A time in which the switch of one of the two did not run, or had not got its flows back. */
export interface Outage {
  readonly fromMs: number;
  /** When what was killed was started again. */
  startedMs?: number;
  /** When the first request that was sent after that was answered. */
  answeredMs?: number;
  /** When one that was sent after that answer was answered too. */
  untilMs?: number;
}

const EVERY_MS = 50;
/** Later answers count as none: thousands of times what an answer takes on a machine with work to do. */
const ANSWER_MS = 3000;
/** A packet that was sent this long before the end of a switch may still have been in its queues. */
const IN_FLIGHT_MS = 250;
/** Bits of `struct icmphdr`: what tells the pings of one pod apart, and the length of their sequence numbers. */
const SEQUENCES = 0x1_0000;

let identifiers = 0;

/** One pod that asks another of its project all the time whether it is there. */
export class SteadyPing implements Disposable {
  readonly from: CastPod;
  readonly to: CastPod;
  answered = 0;
  readonly #identifier = ++identifiers;
  readonly #socket: ProbeSocket;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting = new Map<number, number>();
  readonly #losses: Loss[] = [];
  readonly #outages: Outage[] = [];
  #sequence = 0;

  constructor(from: CastPod, to: CastPod) {
    this.from = from;
    this.to = to;
    const socket = ProbeSocket.open({ protocol: 'icmp', namespace: from.netns, to: to.ip, port: 0 });
    if (!(socket instanceof ProbeSocket)) throw new Error(`${from.name} has no way to ${to.name}: ${socket.errno}`);
    this.#socket = socket;
    this.#timer = setInterval(() => this.#turn(), EVERY_MS);
  }

  get name(): string {
    return `${this.from.name} (${this.from.node}) to ${this.to.name} (${this.to.node})`;
  }

  /** Both on one node. */
  get isLocal(): boolean {
    return this.from.node === this.to.node;
  }

  /** The switch of a node ends now. */
  switchEnds(node: string): void {
    if (node !== this.from.node && node !== this.to.node) return;
    this.#outages.push({ fromMs: performance.now() - IN_FLIGHT_MS });
  }

  /** The switch of a node was started again. */
  switchStarts(node: string): void {
    if (node !== this.from.node && node !== this.to.node) return;
    for (const outage of this.#outages) {
      if (outage.untilMs !== undefined) continue;
      // Answers of before were from queues, or of the time between two kills.
      delete outage.answeredMs;
      outage.startedMs = performance.now();
    }
  }

  get outages(): readonly Outage[] {
    return this.#outages;
  }

  /** Requests without an answer, but for those in an outage. */
  get unexcused(): Loss[] {
    return this.#losses.filter(
      ({ sentMs }) =>
        !this.#outages.some(({ fromMs, untilMs = Number.POSITIVE_INFINITY }) => sentMs >= fromMs && sentMs < untilMs),
    );
  }

  get lost(): number {
    return this.#losses.length;
  }

  /** Ends the sending, and waits for the last answers. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#waiting.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      this.#receive();
      this.#giveUp();
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#socket[Symbol.dispose]();
  }

  #turn(): void {
    this.#receive();
    this.#giveUp();
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    this.#waiting.set(this.#sequence, performance.now());
    // What the kernel refuses to send is lost like what is dropped on the way.
    this.#socket.send(echoRequest({ identifier: this.#identifier, sequence: this.#sequence }));
  }

  #receive(): void {
    for (let came = this.#socket.receive(); came.kind !== 'nothing'; came = this.#socket.receive()) {
      // An error is said once, and the next answer may stand behind it.
      if (came.kind === 'error') continue;
      const message = echoReplyOf(came.bytes);
      if (message?.identifier !== this.#identifier) continue;
      const sentMs = this.#waiting.get(message.sequence);
      if (sentMs === undefined || !this.#waiting.delete(message.sequence)) continue;
      this.answered++;
      for (const outage of this.#outages) if (outage.untilMs === undefined) advance(outage, sentMs);
    }
  }

  #giveUp(): void {
    const before = performance.now() - ANSWER_MS;
    for (const [sequence, sentMs] of this.#waiting) {
      if (sentMs > before) continue;
      this.#waiting.delete(sequence);
      this.#losses.push({ sentMs });
    }
  }
}

/**
 * An outage ends with the second answer in a row: while a switch stands still its queues keep what came first and lose
 * what comes when they are full, so that the first answer may be older than the last loss.
 */
function advance(outage: Outage, sentMs: number): void {
  const { startedMs, answeredMs } = outage;
  if (startedMs === undefined || sentMs < startedMs) return;
  if (answeredMs === undefined) outage.answeredMs = performance.now();
  else if (sentMs >= answeredMs) outage.untilMs = performance.now();
}
