import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallParts } from './call-parts.ts';

describe('CallParts', () => {
  test('adds up each part, also one that comes again, to a tenth of a millisecond', () => {
    let nowMs = 0;
    const parts = new CallParts(() => nowMs);
    for (const [part, ms] of [
      ['lease', 1.23],
      ['link', 10],
      ['lease', 0.5],
    ] as const) {
      parts.begin(part);
      nowMs += ms;
    }
    parts.end();
    nowMs += 100;
    parts.end();
    assert.deepEqual(parts.ms, { lease: 1.7, link: 10 });
  });

  test('says in words what the call does now', () => {
    const parts = new CallParts(() => 0);
    assert.equal(parts.doing, 'answering');
    parts.begin('ovsdb');
    assert.equal(parts.doing, 'waiting for ovsdb-server');
    parts.end();
    assert.equal(parts.doing, 'answering');
  });
});
