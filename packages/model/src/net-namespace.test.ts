import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { ANNOTATION } from './annotations.ts';
import { parseNetNamespace } from './net-namespace.ts';
import type { NetNamespaceObject } from './objects.ts';

const GOOD: NetNamespaceObject = { metadata: { name: 'logging' }, netname: 'logging', netid: 10 };

// biome-ignore format: one row per line
const INVALID: readonly [why: string, object: NetNamespaceObject, code: string][] = [
  ['another netname than its name', { ...GOOD, netname: 'other' },  'OBJECT_INVALID'],
  ['a negative netid',              { ...GOOD, netid: -1 },         'VNID_OUT_OF_RANGE'],
  ['a netid of 25 bits',            { ...GOOD, netid: 16_777_216 }, 'VNID_OUT_OF_RANGE'],
  ['half a netid',                  { ...GOOD, netid: 10.5 },       'VNID_OUT_OF_RANGE'],
  ['no netid',                      { ...GOOD, netid: Number.NaN }, 'VNID_OUT_OF_RANGE'],
];

describe('parseNetNamespace() refuses', () => {
  for (const [why, object, code] of INVALID) {
    test(why, () => {
      assert.throws(
        () => parseNetNamespace(object),
        (error) => isTenetError(error, code),
      );
    });
  }
});

describe('parseNetNamespace()', () => {
  for (const netid of [0, 1, 10, 0xff_ffff]) {
    test(`reads netid ${netid}`, () => assert.equal(parseNetNamespace({ ...GOOD, netid }).vnid, netid));
  }

  for (const [value, multicast] of [
    ['true', true],
    ['True', false],
    ['1', false],
    ['', false],
  ] as const) {
    test(`takes multicast ${JSON.stringify(value)} as ${multicast}`, () => {
      const annotations = { [ANNOTATION.multicastEnabled]: value };
      assert.equal(parseNetNamespace({ ...GOOD, metadata: { name: 'logging', annotations } }).multicast, multicast);
    });
  }

  test('gives a change request verbatim, and none when there is none', () => {
    const annotations = { [ANNOTATION.changeNetwork]: ' join:default' };
    const read = parseNetNamespace({ ...GOOD, metadata: { name: 'logging', annotations } });
    assert.equal(read.changeRequest, ' join:default');
    assert.equal('changeRequest' in parseNetNamespace(GOOD), false);
  });
});
