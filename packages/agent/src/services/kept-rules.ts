import type { ChainPlace, ProxiedPort, RulesPlanner } from '@tenet/proxy';
import { isTenetError } from '@tenet/std';
import type { RulesAccess } from './rules-access.ts';

type Ports = ReadonlyMap<string, ProxiedPort>;

export interface KeptRulesOptions {
  readonly access: RulesAccess;
  readonly planner: RulesPlanner;
  /** A clock in milliseconds that nobody sets. */
  readonly nowMs: () => number;
  /** Hears when others turn out to have changed the rules. */
  readonly onForeign: () => void;
}

/** What a call of `keep` has done. */
export interface KeptChange {
  /** All ports were compared with what is installed, not only those that changed. */
  readonly isFull: boolean;
  readonly pieces: number;
  readonly added: number;
  readonly removed: number;
}

/** After this time the rules are read whether or not anybody has changed them. */
const TRUSTED_MS = 60_000;
/** Readings without a reason take at most one part of the time in so many: with 10,000 services there is one in 5 min. */
const TRUST_SHARE = 200;
/** Readings for a reason take at most one part in so many, as long as nobody has to wait longer than this for one. */
const READ_SHARE = 4;
const LONGEST_WAIT_MS = 5_000;

/** Brings the rules of services to what ports ask for, reading what is installed no more often than it must. */
export class KeptRules implements Disposable {
  readonly #options: KeptRulesOptions;
  readonly #listening: Disposable;
  /** Moves with each reading: a plan of before is void. */
  #readings = 0;
  #readMs = 0;
  #readCostMs = 0;
  /** A look without a reason, while it is under way, and how the last one failed. */
  #verifying: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** What is installed is what these ports ask for; undefined while that is not known. */
  #kept: Ports | undefined;

  constructor(options: KeptRulesOptions) {
    this.#options = options;
    this.#listening = options.access.onRead((installed, only) => this.#observe(installed, only));
  }

  get backEnd(): RulesAccess['backEnd'] {
    return this.#options.access.backEnd;
  }

  /**
   * To be called again and again: reads, now and then and while nobody waits for it, whether all is as it was left. Throws
   * when the last such reading failed.
   */
  verify(signal: AbortSignal): void {
    const { access, planner } = this.#options;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    const sinceMs = this.#options.nowMs() - this.#readMs;
    const isDue = sinceMs >= Math.max(TRUSTED_MS, this.#readCostMs * TRUST_SHARE);
    if (!isDue || !planner.isKnown || this.#verifying !== undefined) return;
    this.#verifying = this.#timed(() => access.glance(signal))
      .catch((error: unknown) => {
        // The tools begin anew whenever somebody commits: with many rules there may be no time to read them all.
        if (!signal.aborted && !isTenetError(error, 'TOOL_SILENT')) this.#failure = { error };
      })
      .finally(() => {
        // One that was void is not repeated at once.
        this.#readMs = this.#options.nowMs();
        this.#verifying = undefined;
      });
  }

  /** Whether there is nothing to do for these ports, and no reason to look. */
  isKept(ports: Ports): boolean {
    return this.#kept === ports && !this.#mustRead();
  }

  /** Reads if others may have changed the rules, then writes what differs, piece by piece. Rejects when a tool fails. */
  async keep(ports: Ports, signal: AbortSignal): Promise<KeptChange> {
    const { planner } = this.#options;
    if (this.#mustRead()) await this.#read(signal);
    const done = { isFull: this.#kept === undefined, pieces: 0, added: 0, removed: 0 };
    for (;;) {
      const readings = this.#readings;
      this.#kept = undefined;
      const pieces = planner.plan(ports);
      let isWhole = true;
      for (const piece of pieces) {
        signal.throwIfAborted();
        isWhole = await this.#apply(piece, readings, signal);
        if (!isWhole) break;
        done.pieces += 1;
        done.added += piece.added;
        done.removed += piece.removed;
      }
      if (!isWhole) continue;
      this.#kept = ports;
      return done;
    }
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  /** False when somebody has read meanwhile, so that the plan is void. */
  async #apply(piece: Parameters<RulesPlanner['applied']>[0], readings: number, signal: AbortSignal): Promise<boolean> {
    const { access, planner } = this.#options;
    return await access.turn(async (write) => {
      if (readings !== this.#readings) return false;
      try {
        await write(piece.text);
      } catch (error) {
        planner.failed();
        throw error;
      }
      planner.applied(piece);
      return true;
    }, signal);
  }

  #observe(installed: string, only?: readonly ChainPlace[]): void {
    const { planner, nowMs, onForeign } = this.#options;
    const wasKnown = planner.isKnown;
    const isBelieved = only === undefined ? planner.observe(installed) : planner.observeChains?.(installed, only);
    this.#readings += 1;
    this.#readMs = nowMs();
    if (isBelieved) return;
    this.#kept = undefined;
    if (wasKnown) onForeign();
  }

  #mustRead(): boolean {
    const { access, planner, nowMs } = this.#options;
    if (!planner.isKnown) return true;
    if (!access.isSuspect()) return false;
    return nowMs() - this.#readMs >= Math.min(LONGEST_WAIT_MS, this.#readCostMs * (READ_SHARE - 1));
  }

  /** Reads what is needed to know what is installed. */
  async #read(signal: AbortSignal): Promise<void> {
    const { access, planner } = this.#options;
    await this.#timed(() => access.read({ isRestKnown: planner.isKnown, signal }));
  }

  async #timed(read: () => Promise<void>): Promise<void> {
    const { nowMs } = this.#options;
    const startedMs = nowMs();
    await read();
    this.#readCostMs = nowMs() - startedMs;
  }
}
