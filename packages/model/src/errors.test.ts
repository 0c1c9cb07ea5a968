import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODEL_ERRORS } from './errors.ts';

test('MODEL_ERRORS: codes are upper snake case, sentences end without a full stop, remedies start with a verb', () => {
  const facts = { vnid: -1, kind: 'HostSubnet', name: 'a', field: 'subnet', problem: 'is wrong' };
  for (const [code, { says, remedy }] of Object.entries(MODEL_ERRORS)) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    assert.doesNotMatch(says(facts), /\.$/);
    assert.match(remedy(facts), /^(choose|correct) /);
  }
});
