/** Half a minute of what `npm run test:soak` does for longer: the same code, fewer pods. */
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { assertChurn } from '../soak/assert-churn.ts';

const seed = process.env.TENET_SOAK_SEED ?? randomBytes(4).toString('hex');

test('pods come and go while daemons are killed, and nothing leaks, is lost or left', () =>
  assertChurn({ seed, pods: 60, workers: 4, mostMs: 24_000, killPauseMs: [6000, 12_000] }));
