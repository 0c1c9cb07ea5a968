import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADDRESS_ERRORS } from './address-errors.ts';
import { errorKinds, isTenetError, kind, sentenceOf, TenetError } from './errors.ts';
import { HEADER_ERRORS } from './headers/header-errors.ts';

const { error, fail, table } = errorKinds({
  SOCKET_GONE: kind<{ path: string }>({
    says: ({ path }) => `nothing listens at ${path}`,
    remedy: ({ path }) => `check that ${path} exists`,
  }),
});

describe('errorKinds()', () => {
  test('makes an error with code, sentence, remedy, facts and cause', () => {
    const cause = new Error('ENOENT');
    const made = error('SOCKET_GONE', { path: '/run/x' }, cause);
    assert.ok(made instanceof TenetError && made instanceof Error);
    const { code, message, remedy, facts } = made;
    assert.deepEqual(
      { code, message, remedy, facts },
      {
        code: 'SOCKET_GONE',
        message: 'nothing listens at /run/x',
        remedy: 'check that /run/x exists',
        facts: { path: '/run/x' },
      },
    );
    assert.equal(made.cause, cause);
    assert.ok(!('cause' in error('SOCKET_GONE', { path: '/run/x' })));
  });

  test('fail() throws it, and the types demand its facts', () => {
    assert.throws(() => fail('SOCKET_GONE', { path: '/run/x' }), { code: 'SOCKET_GONE' });
    // @ts-expect-error the facts of SOCKET_GONE are a path
    assert.throws(() => fail('SOCKET_GONE', { file: '/run/x' }));
    // @ts-expect-error no such kind
    assert.throws(() => fail('SOCKET_HERE', { path: '/run/x' }));
    assert.deepEqual(Object.keys(table), ['SOCKET_GONE']);
  });
});

test('isTenetError() tells ours from others, and one code from another', () => {
  const ours = error('SOCKET_GONE', { path: 'x' });
  assert.ok(isTenetError(ours) && isTenetError(ours, 'SOCKET_GONE'));
  assert.ok(!isTenetError(ours, 'OTHER') && !isTenetError(new Error('x')) && !isTenetError({ code: 'SOCKET_GONE' }));
});

describe('sentenceOf()', () => {
  const looped = new Error('a');
  looped.cause = new Error('b', { cause: looped });
  const ROWS = [
    { name: 'what is no error', thrown: 'text', says: 'text' },
    {
      name: 'an error with its causes',
      thrown: new Error('a', { cause: new Error('b', { cause: 'c' }) }),
      says: 'a: b: c',
    },
    { name: 'an error without a message', thrown: new TypeError(), says: 'TypeError' },
    {
      name: "connect's AggregateError",
      thrown: new AggregateError([new Error('v4'), new Error('v6')]),
      says: 'v4; v6',
    },
    { name: 'causes in a circle', thrown: looped, says: 'a: b' },
  ];
  for (const { name, thrown, says } of ROWS) test(`says ${name}`, () => assert.equal(sentenceOf(thrown), says));
});

test('every remedy of std starts with a verb and every code is in capitals', () => {
  const facts = { text: 'x', expected: 'y', canonical: 'z', header: 'IPv4', offset: 0, problem: 'ends' };
  for (const [code, { says, remedy }] of Object.entries({ ...ADDRESS_ERRORS, ...HEADER_ERRORS })) {
    assert.match(code, /^[A-Z][A-Z_]+$/);
    assert.match(remedy(facts), /^(write|check) /);
    assert.doesNotMatch(says(facts), /\.$/);
  }
});
