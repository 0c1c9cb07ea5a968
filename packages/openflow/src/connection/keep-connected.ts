import { type Backoff, backoffMs, type Clock, isTenetError, type Logger, sentenceOf } from '@tenet/std';
import type { Version } from '../codec/protocol.ts';
import { connectSwitch } from './connect-switch.ts';
import type { SwitchConnection } from './switch-connection.ts';

/** Settings of `keepConnected`. */
export interface KeepConnectedOptions {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
  /**
   * Runs on each connection, before anybody else can use it: sets the fragment mode, sends the flows. When it throws,
   * the connection is closed and another try follows. Its signal aborts when the connection ends.
   */
  readonly onConnected: (connection: SwitchConnection, signal: AbortSignal) => Promise<void>;
  readonly version?: Version;
  /** 50 ms to 5 s unless told; never more than 150 ms while nobody listens on the socket. */
  readonly backoff?: Backoff;
  /** In [0, 1), for the jitter of the back-off. */
  readonly random?: () => number;
}

const BACKOFF: Backoff = { firstMs: 50, maxMs: 5_000 };

/** No packet of a new flow moves before we are back, and asking a socket that nobody listens on burdens nobody. */
const ABSENT_MAX_MS = 150;

/**
 * Keeps a session with a bridge until the signal aborts, across restarts of the switch; then resolves. It starts again
 * from nothing each time: what was set on an earlier connection may be gone. A switch that was away is connected within
 * 200 ms of its return; one that is there and drops us is tried less and less often.
 */
export async function keepConnected(options: KeepConnectedOptions): Promise<void> {
  const { path, signal, log, clock, onConnected, version, backoff = BACKOFF, random = Math.random } = options;
  const whileAbsent = { ...backoff, maxMs: Math.min(backoff.maxMs, ABSENT_MAX_MS) };
  let reported: string | undefined;
  let isAbsent = false;

  /** The first failure is news, the same one again is not. */
  function report(phrase: string, failures: number, error: unknown): void {
    const reason = sentenceOf(error);
    const { code, remedy } = isTenetError(error) ? error : UNFORESEEN;
    log[reason === reported ? 'debug' : 'warn'](phrase, { path, failures, code, reason, remedy });
    reported = reason;
  }

  for (let failures = 0; !signal.aborted; ) {
    let failed = 'switch not connected';
    try {
      await using connection = await connectSwitch({
        path,
        signal,
        log,
        ...(version === undefined ? {} : { version }),
      });
      failed = 'switch connected but not set up';
      const ended = new AbortController();
      void connection.closed.then((reason) => ended.abort(reason));
      await onConnected(connection, ended.signal);
      failures = 0;
      isAbsent = false;
      reported = undefined;
      log.info('switch connected', { path, version: connection.version });
      const reason = await connection.closed;
      if (signal.aborted) return;
      log.warn('switch connection lost', { path, reason: sentenceOf(reason), remedy: reason?.remedy });
    } catch (error) {
      if (signal.aborted) return;
      // A switch that came or went is another one: what its predecessor did is not held against it.
      if (isAbsent !== nobodyListens(error)) failures = 0;
      isAbsent = nobodyListens(error);
      report(failed, failures, error);
    }
    failures++;
    await clock.sleep(backoffMs(failures, random(), isAbsent ? whileAbsent : backoff), signal).catch(() => {});
  }
}

/** True when the socket is not there, or nobody has it any more: connecting fails at once (unix(7), connect(2)). */
function nobodyListens(error: unknown): boolean {
  if (!isTenetError(error, 'OPENFLOW_UNREACHABLE') || !(error.cause instanceof Error)) return false;
  return 'code' in error.cause && (error.cause.code === 'ENOENT' || error.cause.code === 'ECONNREFUSED');
}

/** What is logged of an error that is none of ours. */
const UNFORESEEN = { code: undefined, remedy: 'report this failure: it is a mistake of the program' } as const;
