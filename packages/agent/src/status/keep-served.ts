import type { Clock, Logger } from '@tenet/std';

/** How long until the next try, and how often to look whether it still listens. */
const LOOK_AGAIN_MS = 2_000;

export interface KeepServedOptions {
  /** What is served, for the log. */
  readonly what: string;
  /** Where: an address or a path. */
  readonly address: string;
  /** Begins to listen; what it returns ends that. */
  readonly listen: () => Promise<AsyncDisposable>;
  /** False when somebody has taken away what it listens at. */
  readonly isThere?: () => boolean;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Something that listens, or tries to. */
export interface Kept extends AsyncDisposable {
  /** Why it does not listen now; undefined when it does. */
  readonly failure: unknown;
}

/**
 * Keeps a server listening until it is disposed. Who cannot listen goes on trying: a node carries its pods whether or
 * not somebody can look at it. Resolves after the first try; a failure is logged once, and its end too.
 */
export async function keepServed(options: KeepServedOptions): Promise<Kept> {
  const { what, address, listen, isThere = () => true, log, clock } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, options.signal]);
  let server: AsyncDisposable | undefined;
  let failure: unknown;

  async function look(): Promise<void> {
    if (server !== undefined && isThere()) return;
    try {
      await server?.[Symbol.asyncDispose]();
      server = undefined;
      server = await listen();
    } catch (error) {
      if (failure === undefined) log.warn('not served', { what, address, error });
      failure = error;
      return;
    }
    if (failure !== undefined) log.info('served again', { what, address });
    failure = undefined;
  }

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(LOOK_AGAIN_MS, signal).catch(() => {});
      if (!signal.aborted) await look();
    }
  }

  await look();
  const kept = keep();
  return {
    get failure() {
      return failure;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await kept;
      await server?.[Symbol.asyncDispose]();
    },
  };
}
