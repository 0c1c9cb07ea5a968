import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Lab } from './state/lab-state.ts';

const LOOK_MS = 300;

/** Resolves when the signal aborts, or when somebody else has taken the lab down. */
export async function untilGone({ paths }: Lab, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && existsSync(paths.settings)) await pause(LOOK_MS, undefined, { signal }).catch(() => {});
}
