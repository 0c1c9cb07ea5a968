import type { Clock } from '@tenet/std';

/** Settings of `startWatchdog`. */
export interface WatchdogOptions {
  readonly clock: Clock;
  readonly silenceMs: number;
  /** Ends the watched thing in any case. */
  readonly signal: AbortSignal;
}

/** A signal that aborts when nothing was heard for a time: a peer that died without a word looks like a quiet one. */
export interface Watchdog extends AsyncDisposable {
  readonly signal: AbortSignal;
  readonly isSilent: boolean;
  heard(): void;
}

/** Starts to listen. Disposing of it ends its sleep. */
export function startWatchdog({ clock, silenceMs, signal }: WatchdogOptions): Watchdog {
  const cut = new AbortController();
  const follow = () => cut.abort(signal.reason);
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  let heardMs = clock.nowMs();
  let isSilent = false;

  async function listen(): Promise<void> {
    while (!cut.signal.aborted) {
      const nowMs = clock.nowMs();
      // A wall clock that was set back must not make silence last longer.
      heardMs = Math.min(heardMs, nowMs);
      const leftMs = heardMs + silenceMs - nowMs;
      if (leftMs <= 0) {
        isSilent = true;
        cut.abort(new DOMException(`nothing was heard for ${silenceMs} ms`, 'TimeoutError'));
      } else {
        await clock.sleep(leftMs, cut.signal).catch(() => {});
      }
    }
  }

  const listening = listen();
  return {
    signal: cut.signal,
    get isSilent() {
      return isSilent;
    },
    heard() {
      heardMs = clock.nowMs();
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', follow);
      cut.abort();
      await listening;
    },
  };
}
