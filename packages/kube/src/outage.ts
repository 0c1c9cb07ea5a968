import type { Logger, TenetError } from '@tenet/std';

/** Says once that a server cannot be reached, and once that it can again, however many watches go through it. */
export class Outage {
  #sinceMs: number | undefined;
  #backAtMs = Number.NEGATIVE_INFINITY;

  /** A try failed. One that began before the server was back says nothing new. */
  failed(error: TenetError, { log, startedMs }: { log: Logger; startedMs: number }): void {
    if (this.#sinceMs !== undefined || startedMs < this.#backAtMs) return;
    this.#sinceMs = startedMs;
    log.warn('cannot reach the API server', { code: error.code, error: error.message, remedy: error.remedy });
  }

  /** A try succeeded. */
  succeeded({ log, nowMs }: { log: Logger; nowMs: number }): void {
    if (this.#sinceMs === undefined) return;
    log.info('the API server is back', { ms: nowMs - this.#sinceMs });
    this.#sinceMs = undefined;
    this.#backAtMs = nowMs;
  }
}

const outages = new WeakMap<object, Outage>();

/** The outage record that all watches of one client share. */
export function outageOf(client: object): Outage {
  const outage = outages.get(client) ?? new Outage();
  outages.set(client, outage);
  return outage;
}
