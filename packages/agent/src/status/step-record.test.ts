import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { agentError } from '../errors.ts';
import { StepRecord } from './step-record.ts';

describe('StepRecord', () => {
  test('keeps since when a step fails, and forgets it when the step works again', () => {
    let nowMs = 1000;
    const steps = new StepRecord({ nowMs: () => nowMs });
    steps.succeeded('flows', 0.5);
    nowMs = 2000;
    steps.failed('flows', 0.1, agentError('OPEN_VSWITCH_NOT_READY', { database: '/db' }));
    nowMs = 3000;
    steps.failed('flows', 0.2, new Error('other'));
    assert.deepEqual(steps.states.get('flows'), {
      passes: 3,
      failures: 2,
      lastSuccessMs: 1000,
      lastSeconds: 0.2,
      failure: { sinceMs: 2000, sentence: 'other', remedy: 'report this: it is a bug; the log has its stack' },
    });
    nowMs = 4000;
    steps.succeeded('flows', 0.3);
    assert.deepEqual(steps.states.get('flows'), { passes: 4, failures: 2, lastSuccessMs: 4000, lastSeconds: 0.3 });
  });

  test("keeps the code and the remedy of one of our own errors, with its causes' sentences", () => {
    const steps = new StepRecord({ nowMs: () => 7 });
    steps.failed('flows', 0, agentError('FLOWS_NOT_INSTALLED', { what: 'this node' }, new Error('ECONNRESET')));
    const failure = steps.states.get('flows')?.failure;
    assert.equal(failure?.code, 'FLOWS_NOT_INSTALLED');
    assert.equal(failure?.sentence, 'the flows of this node are not in the switch: ECONNRESET');
    assert.match(failure?.remedy ?? '', /^check /);
  });

  test('remembers the last change of all steps', () => {
    const steps = new StepRecord({ nowMs: () => 7 });
    assert.equal(steps.lastChange, undefined);
    steps.changed('flows', { added: 3, removed: 1 });
    steps.changed('host rules', { added: 9 });
    assert.deepEqual(steps.lastChange, { step: 'host rules', atMs: 7, added: 9 });
  });
});
