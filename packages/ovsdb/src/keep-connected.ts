/** A connection to ovsdb-server that comes back. */
import { type Backoff, backoffMs, type Clock, isTenetError, type Logger, SILENT, sentenceOf } from '@tenet/std';
import { ovsdbError } from './errors.ts';
import { connectOvsdb, type OvsdbClient } from './ovsdb-client.ts';
import { type RequestOptions, within } from './within.ts';

/** Settings of `keepConnected`. */
export interface KeepConnectedOptions {
  /** The unix socket of ovsdb-server. */
  readonly path: string;
  /** Ends it all. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  readonly clock: Clock;
  /** In [0, 1), for the jitter of the back-off. */
  readonly random: () => number;
  /** 100 ms to 5 s unless told: the server is on this machine, and nothing on the node moves without it. */
  readonly backoff?: Backoff;
  readonly idleMs?: number;
  /** Makes a new connection ready for use; when it rejects, the connection is dropped and tried again. */
  readonly onConnected?: (client: OvsdbClient, signal: AbortSignal) => Promise<void>;
}

/** The connection of the moment. */
export interface KeptConnection extends AsyncDisposable {
  /** The connection, once `onConnected` is through; undefined while there is none. */
  readonly client: OvsdbClient | undefined;
  /** Waits for a connection; SOCKET_UNREACHABLE after the deadline, with the last failure as its cause. */
  connected(options?: RequestOptions): Promise<OvsdbClient>;
}

/** Connects, and connects again after each loss until disposed or aborted. */
export function keepConnected(options: KeepConnectedOptions): KeptConnection {
  const { path, log = SILENT, clock, random, backoff = { firstMs: 100, maxMs: 5_000 } } = options;
  const { onConnected = async () => {} } = options;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  let client: OvsdbClient | undefined;
  let lastFailure: unknown;
  let next = Promise.withResolvers<OvsdbClient>();
  next.promise.catch(() => {});

  async function live(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await using connection = await connectOvsdb({ path, signal, log, idleMs: options.idleMs });
        await onConnected(connection, signal);
        log.info('ovsdb connected', { path, failures });
        failures = 0;
        client = connection;
        next.resolve(connection);
        const reason = await connection.closed;
        client = undefined;
        next = Promise.withResolvers();
        next.promise.catch(() => {});
        if (!signal.aborted)
          log.warn('ovsdb connection lost', { path, reason: sentenceOf(reason), remedy: reason.remedy });
      } catch (error) {
        if (signal.aborted) break;
        lastFailure = error;
        failures += 1;
        report(error, failures);
      }
      // Also after a loss: a server that accepts and drops us must not be hammered.
      await clock.sleep(backoffMs(Math.max(1, failures), random(), backoff), signal).catch(() => {});
    }
    next.reject(signal.reason);
  }

  /** The first failure is news, the next ones are the same news. */
  function report(error: unknown, failures: number): void {
    const facts = { path, failures, reason: sentenceOf(error), remedy: isTenetError(error) ? error.remedy : undefined };
    if (failures === 1) log.warn('ovsdb connection failed', facts);
    else log.debug('ovsdb connection failed', facts);
  }

  const ended = live();
  return {
    get client() {
      return client;
    },
    connected: (waiting = {}) =>
      within(next.promise, waiting, () => ovsdbError('SOCKET_UNREACHABLE', { path }, lastFailure)),
    async [Symbol.asyncDispose]() {
      stop.abort(ovsdbError('SESSION_CLOSED', { path, by: 'us', halfMessageBytes: 0 }));
      await ended;
    },
  };
}
