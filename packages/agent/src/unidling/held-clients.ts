import type { ProxiedEndpoint } from '@tenet/proxy';
import type { Clock } from '@tenet/std';
import type { HeldClient } from './portal-socket.ts';

/** Settings of `HeldClients`. */
export interface HeldClientsOptions {
  /** The endpoint for the next try of a client, none of those that failed it if there is another; undefined when the port sleeps again. */
  readonly choose: (client: string, failed: ReadonlySet<ProxiedEndpoint>) => ProxiedEndpoint | undefined;
  /** Whether this node may connect to it in the client's stead. */
  readonly mayJoin: (endpoint: ProxiedEndpoint) => Promise<boolean>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface Held {
  readonly client: HeldClient;
  readonly sinceMs: number;
  isJoining: boolean;
}

/** Clients of one port that are held at a time; for one more the oldest is let go. */
const MOST_HELD = 16;
/** How long a client is held, in milliseconds. */
const HOLD_MS = 120_000;
/** How long each try to reach an endpoint may take. A try that fails sooner is not followed sooner. */
const TRIES_MS = [250, 500, 1000, 2000] as const;

/** The clients of one port of a service that wait until it has woken. */
export class HeldClients {
  readonly #options: HeldClientsOptions;
  /** Oldest first. */
  readonly #held = new Set<Held>();

  constructor(options: HeldClientsOptions) {
    this.#options = options;
  }

  /** Those that wait, without those that are being joined to an endpoint. */
  get count(): number {
    return this.#waiting().length;
  }

  /** Takes one in; the oldest is let go when there are too many. */
  hold(client: HeldClient): void {
    const held: Held = { client, sinceMs: this.#options.clock.nowMs(), isJoining: false };
    this.#held.add(held);
    client.onGone(() => this.#held.delete(held));
    const waiting = this.#waiting();
    const [oldest] = waiting;
    if (oldest !== undefined && waiting.length > MOST_HELD) this.#letGo(oldest);
  }

  /** Lets go of those that have waited for too long. */
  expire(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const held of this.#waiting()) if (nowMs - held.sinceMs >= HOLD_MS) this.#letGo(held);
  }

  /** Begins to join all that wait to endpoints. Returns how many those are. */
  release(): number {
    const waiting = this.#waiting();
    for (const held of waiting) void this.#join(held);
    return waiting.length;
  }

  /** Lets go of all, also of those that are being joined. */
  letAllGo(): void {
    for (const held of [...this.#held]) this.#letGo(held);
  }

  #waiting(): Held[] {
    return [...this.#held].filter(({ isJoining }) => !isJoining);
  }

  #letGo(held: Held): void {
    this.#held.delete(held);
    held.client.reset();
  }

  async #join(held: Held): Promise<void> {
    const { choose, clock, signal } = this.#options;
    const { client } = held;
    const failed = new Set<ProxiedEndpoint>();
    held.isJoining = true;
    for (const timeoutMs of TRIES_MS) {
      const endpoint = choose(client.address, failed);
      if (endpoint === undefined) {
        held.isJoining = false;
        return;
      }
      const startedMs = clock.nowMs();
      if (await this.#isJoined(client, endpoint, timeoutMs)) {
        this.#held.delete(held);
        return;
      }
      failed.add(endpoint);
      const leftMs = startedMs + timeoutMs - clock.nowMs();
      if (leftMs > 0) await clock.sleep(leftMs, signal).catch(() => {});
      if (signal.aborted || !this.#held.has(held)) return;
    }
    this.#letGo(held);
  }

  async #isJoined(client: HeldClient, endpoint: ProxiedEndpoint, timeoutMs: number): Promise<boolean> {
    return (await this.#options.mayJoin(endpoint)) && (await client.joinTo(endpoint, timeoutMs));
  }
}
