/** What running connections say: who answered, from when on, and that none was lost. */
import assert from 'node:assert/strict';
import type { Attempt, ConnectReport } from './traffic.ts';

/** When TCP sends its first segment again (RFC 6298 §2.1): a connection that took so long has lost one. */
const FIRST_AGAIN_MS = 1000;

/** Each connection was answered, and none only at the second try. */
export function assertNoneLost(
  { attempts }: ConnectReport,
  { name, atLeast }: { readonly name: string; readonly atLeast: number },
): void {
  const longestMs = Math.max(...attempts.map(({ startMs, endMs }) => (endMs ?? Number.POSITIVE_INFINITY) - startMs));
  console.log(`#     ${name}: ${attempts.length} connections, the longest ${longestMs.toFixed(0)} ms`);
  assert.deepEqual(
    attempts.filter(({ failure }) => failure !== null),
    [],
    name,
  );
  assert.ok(longestMs < FIRST_AGAIN_MS, `${name}: ${longestMs.toFixed(0)} ms`);
  assert.ok(attempts.length >= atLeast, `${name}: only ${attempts.length}`);
}

/** When the last connection began that a pod answered; undefined without any. */
export function lastAnsweredMs({ attempts }: ConnectReport, pod: string): number | undefined {
  return attempts.findLast((attempt) => attempt.pod === pod)?.startMs;
}

/** When a connection began from which on all were answered at once; undefined when the last was not. */
export function answeredSinceMs({ attempts }: ConnectReport): number | undefined {
  return attempts[attempts.findLastIndex(isLost) + 1]?.startMs;
}

/** How many connections went to each pod. */
export function answersOf({ attempts }: ConnectReport): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { pod } of attempts) if (pod !== null) counts.set(pod, (counts.get(pod) ?? 0) + 1);
  return counts;
}

/** Pearson's statistic of counts that should be equal: the larger, the less likely they are. */
export function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function isLost({ startMs, endMs, pod }: Attempt): boolean {
  return pod === null || (endMs !== null && endMs - startMs >= FIRST_AGAIN_MS);
}
