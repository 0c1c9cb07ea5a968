import { setTimeout as timeout } from 'node:timers/promises';
import type { Clock } from '@tenet/std';

/** The machine's own time. */
export const DAEMON_CLOCK: Clock = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await timeout(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // Node wraps the reason in an AbortError of its own; whoever aborts wants its own back.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
