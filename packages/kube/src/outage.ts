import type { Logger, TenetError } from '@tenet/std';

/** One look at the server. */
interface Try {
  /** The watch that tried: anything that is its own. */
  readonly by: object;
  readonly log: Logger;
}

/**
 * Says once that a server does not answer as it should, and once that it does again, however many watches go through
 * it. It is over when all that failed have succeeded: a server that refuses one kind alone does not come and go.
 */
export class Outage {
  readonly #failing = new Set<object>();
  #sinceMs = 0;
  #backAtMs = Number.NEGATIVE_INFINITY;

  /** A try failed. One that began before the server was back says nothing new. */
  failed(error: TenetError, { by, log, startedMs }: Try & { readonly startedMs: number }): void {
    if (startedMs < this.#backAtMs) return;
    if (this.#failing.size === 0) {
      this.#sinceMs = startedMs;
      log.warn('cannot reach the API server', { code: error.code, error: error.message, remedy: error.remedy });
    }
    this.#failing.add(by);
  }

  /** A try succeeded. */
  succeeded({ by, log, nowMs }: Try & { readonly nowMs: number }): void {
    if (!this.#failing.delete(by) || this.#failing.size > 0) return;
    log.info('the API server is back', { ms: nowMs - this.#sinceMs });
    this.#backAtMs = nowMs;
  }

  /** A watch is over: nobody waits for its success any more. */
  left(by: object): void {
    this.#failing.delete(by);
  }
}

const outages = new WeakMap<object, Outage>();

/** The outage record that all watches of one client share. */
export function outageOf(client: object): Outage {
  const outage = outages.get(client) ?? new Outage();
  outages.set(client, outage);
  return outage;
}
