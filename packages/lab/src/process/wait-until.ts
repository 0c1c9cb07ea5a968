import { setTimeout as pause } from 'node:timers/promises';
import { failLab } from '../errors.ts';
import { PATIENCE } from './patience.ts';

/** What is waited for, and how to say that it did not come. */
export interface Wait<T> {
  /** For the message: `the API server does not answer`. */
  readonly what: string;
  /** The result once it is there; undefined or false until then. A throw ends the waiting. */
  readonly look: () => Promise<T | undefined | false> | T | undefined | false;
  /** What is known so far, for the message. */
  readonly state?: () => string;
  readonly deadlineMs: number;
  readonly pollMs?: number;
  readonly signal: AbortSignal;
}

/** Looks again and again until there is a result; NOT_READY after the deadline. */
export async function waitUntil<T>({ what, look, state, deadlineMs, pollMs = 10, signal }: Wait<T>): Promise<T> {
  const endMs = performance.now() + deadlineMs * PATIENCE;
  for (;;) {
    const result = await look();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > endMs)
      failLab('NOT_READY', { what, seconds: (deadlineMs * PATIENCE) / 1000, state: state?.() ?? 'nothing yet' });
    await pause(pollMs * PATIENCE, undefined, { signal });
  }
}
