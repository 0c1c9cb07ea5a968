/** How a port of a service stands between sleep and service. Only one that is not awake has its clients held. */
export type SleepStage =
  | { readonly kind: 'awake' }
  /** `idledAt` is what the service bears: with another it was put to sleep again. */
  | { readonly kind: 'asleep'; readonly idledAt: string }
  /** Whoever wakes it has taken the mark away, and its pods are not there yet. */
  | { readonly kind: 'waking'; readonly sinceMs: number };

/** What decides it. */
export interface SleepFacts {
  /** When it was put to sleep, verbatim; absent when it was not, or no longer. */
  readonly idledAt: string | undefined;
  readonly hasEndpoints: boolean;
  readonly nowMs: number;
}

/** As long as clients are held, in milliseconds. */
const WAKING_MS = 120_000;

export const AWAKE: SleepStage = { kind: 'awake' };

/**
 * The stage after a look. Who wakes a service takes the mark away when it asks for pods, not when they are ready: until
 * then its clients go on being held, and are not refused in between.
 */
export function nextStage(stage: SleepStage, { idledAt, hasEndpoints, nowMs }: SleepFacts): SleepStage {
  if (hasEndpoints) return AWAKE;
  if (idledAt !== undefined)
    return stage.kind === 'asleep' && stage.idledAt === idledAt ? stage : { kind: 'asleep', idledAt };
  switch (stage.kind) {
    case 'awake':
      return stage;
    case 'asleep':
      return { kind: 'waking', sinceMs: nowMs };
    case 'waking':
      return nowMs - stage.sinceMs < WAKING_MS ? stage : AWAKE;
  }
}
