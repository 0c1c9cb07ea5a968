import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressClaims } from './address-claims.ts';

const [OLD, NEW] = ['2026-01-01T00:00:00Z', '2026-11-23T00:00:00Z'];
const claim = (service: string, what = 'x') => [{ what, by: `${service}:` }];

// biome-ignore format: one row per line
const CONTESTS: readonly [who: string, a: readonly [key: string, createdAt: string], b: readonly [key: string, createdAt: string], holder: string][] = [
  ['the older one',                            ['ns/b', OLD], ['ns/a', NEW],   'ns/b:'],
  ['the first by name, of two of an age',      ['ns/b', OLD], ['ns/a', OLD],   'ns/a:'],
  ['the first by name, not by name and port',  ['ns/a', OLD], ['ns/a-b', OLD], 'ns/a:'],
];

describe('AddressClaims gives what two ask for to', () => {
  for (const [who, a, b, holder] of CONTESTS) {
    test(`${who}, whoever asks first`, () => {
      for (const order of [
        [a, b],
        [b, a],
      ]) {
        const claims = new AddressClaims();
        for (const [key, createdAt] of order) claims.replace(key, createdAt, claim(key));
        assert.equal(claims.holderOf('x'), holder);
      }
    });
  }
});

test('AddressClaims gives it to the next when who had it does not ask any more', () => {
  const claims = new AddressClaims();
  claims.replace('ns/a', OLD, claim('ns/a'));
  claims.replace('ns/b', NEW, claim('ns/b'));
  claims.replace('ns/a', OLD, claim('ns/a', 'y'));
  assert.equal(claims.holderOf('x'), 'ns/b:');
  assert.equal(claims.holderOf('y'), 'ns/a:');
  claims.replace('ns/b', NEW, []);
  assert.equal(claims.holderOf('x'), undefined);
});

test('AddressClaims.replace() names the others that ask, or asked, for the same, and not itself', () => {
  const claims = new AddressClaims();
  assert.deepEqual([...claims.replace('ns/a', OLD, claim('ns/a'))], []);
  assert.deepEqual([...claims.replace('ns/b', NEW, claim('ns/b'))], ['ns/a']);
  assert.deepEqual([...claims.replace('ns/c', NEW, claim('ns/c', 'y'))], []);
  assert.deepEqual([...claims.replace('ns/a', OLD, claim('ns/a', 'y'))].sort(), ['ns/b', 'ns/c']);
  assert.deepEqual([...claims.replace('ns/a', OLD, [])], ['ns/c']);
});

test('AddressClaims lets two ports of one service ask for the same: the first by name has it', () => {
  const claims = new AddressClaims();
  const both = [
    { what: 'x', by: 'ns/a:two' },
    { what: 'x', by: 'ns/a:one' },
  ];
  assert.deepEqual([...claims.replace('ns/a', OLD, both)], []);
  assert.equal(claims.holderOf('x'), 'ns/a:one');
});
