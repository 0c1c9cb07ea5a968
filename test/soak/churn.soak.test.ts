/** 500 pods, minutes: `npm run test:soak`. The same run again with `TENET_SOAK_SEED=… npm run test:soak`. */
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { assertChurn } from './assert-churn.ts';

const seed = process.env.TENET_SOAK_SEED ?? randomBytes(4).toString('hex');

test('500 pods come and go while daemons are killed, and nothing leaks, is lost or left', { timeout: 2_400_000 }, () =>
  assertChurn({ seed, pods: 500, workers: 8, mostMs: 1_800_000, killPauseMs: [2000, 9000] }),
);
