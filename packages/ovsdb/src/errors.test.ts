import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOperationFailure, OVSDB_ERRORS, ovsdbError } from './errors.ts';

test('OVSDB_ERRORS have codes in upper snake case, and remedies that start with a verb', () => {
  const facts = { path: '/x', error: 'nothing known', halfMessageBytes: 0 };
  for (const [code, { says, remedy }] of Object.entries(OVSDB_ERRORS)) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)+$/);
    assert.match(remedy(facts as never), /^(check|choose|run|raise|remove|wait) /);
    assert.match(says(facts as never), /[^.]$/);
  }
});

test('isOperationFailure() tells the errors of OVSDB apart by their names', () => {
  const facts = { database: 'db', operation: 'commit', at: 1, error: 'timed out', details: '' };
  const error = ovsdbError('OPERATION_FAILED', facts);
  assert.ok(isOperationFailure(error));
  assert.ok(isOperationFailure(error, 'timed out'));
  assert.ok(!isOperationFailure(error, 'aborted'));
  assert.ok(!isOperationFailure(new Error('timed out'), 'timed out'));
});
