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
  /** 50 ms to 5 s unless told; never more than 150 ms while nobody listens on the socket. */
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

const BACKOFF: Backoff = { firstMs: 50, maxMs: 5_000 };

/** Nothing on the node moves before we are back, and asking a socket that nobody listens on burdens nobody. */
const ABSENT_MAX_MS = 150;

/**
 * Connects, and connects again after each loss until disposed or aborted. A server that was away is connected within
 * 200 ms of its return; one that is there and drops us is tried less and less often.
 */
export function keepConnected(options: KeepConnectedOptions): KeptConnection {
  const { path, log = SILENT, clock, random, backoff = BACKOFF } = options;
  const { onConnected = async () => {} } = options;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const whileAbsent = { ...backoff, maxMs: Math.min(backoff.maxMs, ABSENT_MAX_MS) };
  let client: OvsdbClient | undefined;
  let lastFailure: unknown;
  let next = Promise.withResolvers<OvsdbClient>();
  next.promise.catch(() => {});

  async function live(): Promise<void> {
    let isAbsent = false;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await using connection = await connectOvsdb({ path, signal, log, idleMs: options.idleMs });
        await onConnected(connection, signal);
        log.info('ovsdb connected', { path, failures });
        failures = 0;
        isAbsent = false;
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
        // A server that came or went is another one: what its predecessor did is not held against it.
        if (isAbsent !== nobodyListens(error)) failures = 0;
        isAbsent = nobodyListens(error);
        failures += 1;
        report(error, failures);
      }
      // Also after a loss: a server that accepts and drops us must not be hammered.
      const pauseMs = backoffMs(Math.max(1, failures), random(), isAbsent ? whileAbsent : backoff);
      await clock.sleep(pauseMs, signal).catch(() => {});
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

/** True when the socket is not there, or nobody has it any more: connecting fails at once (unix(7), connect(2)). */
function nobodyListens(error: unknown): boolean {
  if (!isTenetError(error, 'SOCKET_UNREACHABLE') || !(error.cause instanceof Error)) return false;
  return 'code' in error.cause && (error.cause.code === 'ENOENT' || error.cause.code === 'ECONNREFUSED');
}
