import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAB_ERRORS } from './errors.ts';

const FACTS = new Proxy(
  { known: ['outside'], state: '/s', path: '/run/netns/x', seconds: 1 } as Record<string, unknown>,
  {
    get: (facts, name: string) => facts[name] ?? `<${name}>`,
  },
);

for (const [code, { says, remedy }] of Object.entries(LAB_ERRORS)) {
  test(`${code} says what is wrong and what to do`, () => {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    assert.match(remedy(FACTS as never), /^(check|choose|install|run|remove|wait)\b/);
    assert.doesNotMatch(says(FACTS as never), /undefined|\.$/);
  });
}
