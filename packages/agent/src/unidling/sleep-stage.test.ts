import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AWAKE, nextStage, type SleepFacts, type SleepStage } from './sleep-stage.ts';

const MONDAY = '2026-11-23T01:00:00Z';
const TUESDAY = '2026-11-24T01:00:00Z';
const ASLEEP: SleepStage = { kind: 'asleep', idledAt: MONDAY };
const WAKING: SleepStage = { kind: 'waking', sinceMs: 1000 };

const without: SleepFacts = { idledAt: undefined, hasEndpoints: false, nowMs: 1000 };
const idled: SleepFacts = { ...without, idledAt: MONDAY };
const ready: SleepFacts = { ...without, hasEndpoints: true };

const ROWS: readonly { name: string; stage: SleepStage; facts: SleepFacts; next: SleepStage }[] = [
  { name: 'a service that was never idled has no endpoints', stage: AWAKE, facts: without, next: AWAKE },
  { name: 'an idled service has endpoints', stage: AWAKE, facts: { ...ready, idledAt: MONDAY }, next: AWAKE },
  { name: 'an idled service loses its last endpoint', stage: AWAKE, facts: idled, next: ASLEEP },
  { name: 'nothing has changed', stage: ASLEEP, facts: idled, next: ASLEEP },
  {
    name: 'it is idled once more',
    stage: ASLEEP,
    facts: { ...idled, idledAt: TUESDAY },
    next: { kind: 'asleep', idledAt: TUESDAY },
  },
  {
    name: 'its first endpoint is there before the mark is gone',
    stage: ASLEEP,
    facts: { ...ready, idledAt: MONDAY },
    next: AWAKE,
  },
  { name: 'its mark is gone before an endpoint is there', stage: ASLEEP, facts: without, next: WAKING },
  { name: 'its endpoint comes in time', stage: WAKING, facts: { ...ready, nowMs: 60_000 }, next: AWAKE },
  {
    name: 'it is idled while it wakes',
    stage: WAKING,
    facts: { ...idled, idledAt: TUESDAY },
    next: { kind: 'asleep', idledAt: TUESDAY },
  },
  { name: 'no endpoint comes for 119,999 ms', stage: WAKING, facts: { ...without, nowMs: 120_999 }, next: WAKING },
  { name: 'no endpoint comes for 120 s', stage: WAKING, facts: { ...without, nowMs: 121_000 }, next: AWAKE },
];
for (const { name, stage, facts, next } of ROWS)
  test(`nextStage() leads from ${stage.kind} to ${next.kind} when ${name}`, () => {
    assert.deepEqual(nextStage(stage, facts), next);
  });

test('nextStage() gives back the same stage when it stays', () => {
  assert.equal(nextStage(ASLEEP, idled), ASLEEP);
  assert.equal(nextStage(WAKING, without), WAKING);
});
