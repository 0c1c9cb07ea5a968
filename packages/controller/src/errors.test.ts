import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROLLER_ERRORS } from './errors.ts';

test('CONTROLLER_ERRORS: sentences end without a full stop, remedies start with a verb', () => {
  const text = { name: 'a', subnet: 's', address: 'x', problem: 'is wrong', request: 'r', was: 'w', is: 'i' };
  for (const kind of ['Node', 'HostSubnet']) {
    const facts = { ...text, kind, ranges: ['r'], service: 'a/b', endpoints: ['127.0.0.1 is loopback'], owners: ['o'] };
    for (const [code, { says, remedy }] of Object.entries(CONTROLLER_ERRORS)) {
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
      assert.doesNotMatch(says(facts), /undefined|\.$/);
      assert.match(remedy(facts), /^(add|delete|restore|set) /);
    }
  }
});
