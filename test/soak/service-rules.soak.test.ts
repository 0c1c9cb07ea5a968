/**
 * 300 services, 2,000 packets to them, ten times changed, in each back end: `npm run test:soak`. The same run again
 * with `TENET_SOAK_SEED=… npm run test:soak`.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { checkServiceRules } from '../integration/check-service-rules.ts';
import { BACK_ENDS } from '../integration/service-back-ends.ts';

const seed = process.env.TENET_SOAK_SEED ?? randomBytes(4).toString('hex');

describe(`300 services by TENET_SOAK_SEED=${seed}`, () => {
  for (const backEnd of BACK_ENDS)
    test(`${backEnd.name} does with 20,000 packets what was promised`, { timeout: 900_000 }, async (t) => {
      const size = { services: 300, worlds: 10, packets: 2000, traced: 100 };
      const { mistakes, clauses, tracedRules } = await checkServiceRules({ backEnd, seed, ...size });
      for (const [clause, packets] of [...clauses].sort()) t.diagnostic(`${clause}: ${packets} packets`);
      t.diagnostic(`${tracedRules} rules were traced`);
      assert.ok(mistakes.length === 0, `${mistakes.length} mistakes:\n${mistakes.slice(0, 20).join('\n')}`);
    });
});
