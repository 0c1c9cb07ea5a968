import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseLabelSelector } from './label-selector.ts';
import { StatusError } from './status.ts';

const LABELS = { tier: 'front', 'tenet.io/lab-ready': 'false', empty: '' };

describe('parseLabelSelector()', () => {
  for (const text of ['=', '==a', 'a=b c', 'a in', 'a in (b', 'a in b', 'a notin', '!', '!a=b', 'a=(b)']) {
    test(`parseLabelSelector() refuses ${text}`, () => {
      assert.throws(
        () => parseLabelSelector(text),
        (error) => error instanceof StatusError && error.code === 400,
      );
    });
  }

  // biome-ignore format: one selector per line
  const rows: readonly [text: string, meets: boolean][] = [
    ['', true],
    ['tier=front', true], ['tier==front', true], ['tier=back', false], ['tier = front', true],
    ['tier!=back', true], ['tier!=front', false], ['absent!=x', true],
    ['tier in (front, back)', true], ['tier in (back)', false], ['absent in (x)', false],
    ['tier notin (back)', true], ['tier notin (front,back)', false], ['absent notin (x)', true],
    ['tier', true], ['absent', false], ['!absent', true], ['!tier', false],
    ['empty=', true], ['absent=', false], ['empty in ()', true],
    ['tenet.io/lab-ready=false', true], ['toString', false],
    ['tier=front,tenet.io/lab-ready!=true', true], ['tier in (front,back),absent', false],
  ];
  for (const [text, meets] of rows) {
    test(`parseLabelSelector() says ${meets} for ${JSON.stringify(text)}`, () => {
      assert.equal(parseLabelSelector(text)(LABELS), meets);
    });
  }
});
