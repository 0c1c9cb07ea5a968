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
  readonly backoff?: Backoff;
  /** In [0, 1), for the jitter of the back-off. */
  readonly random?: () => number;
}

const BACKOFF: Backoff = { firstMs: 50, maxMs: 5_000 };

/**
 * Keeps a session with a bridge until the signal aborts, across restarts of the switch; then resolves. It starts again
 * from nothing each time: what was set on an earlier connection may be gone.
 */
export async function keepConnected(options: KeepConnectedOptions): Promise<void> {
  const { path, signal, log, clock, onConnected, version, backoff = BACKOFF, random = Math.random } = options;
  let reported: string | undefined;

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
      reported = undefined;
      log.info('switch connected', { path, version: connection.version });
      const reason = await connection.closed;
      if (signal.aborted) return;
      log.warn('switch connection lost', { path, reason: sentenceOf(reason), remedy: reason?.remedy });
    } catch (error) {
      if (signal.aborted) return;
      report(failed, failures, error);
    }
    failures++;
    await clock.sleep(backoffMs(failures, random(), backoff), signal).catch(() => {});
  }
}

/** What is logged of an error that is none of ours. */
const UNFORESEEN = { code: undefined, remedy: 'report this failure: it is a mistake of the program' } as const;
