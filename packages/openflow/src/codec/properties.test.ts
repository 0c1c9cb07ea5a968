import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, fromHex } from '@tenet/std';
import { readProperties } from './properties.ts';

function read(hex: string): [type: number, hex: string][] {
  const properties = readProperties(new ByteReader(fromHex(hex)), 'hello');
  return Array.from(properties, ({ type, value }) => [type, Buffer.from(value.rest()).toString('hex')]);
}

const READ: readonly (readonly [what: string, hex: string, is: [type: number, hex: string][]])[] = [
  ['nothing', '', []],
  [
    'padding that the length does not count',
    '0001 0005 aa 000000 0002 0008 01020304',
    [
      [1, 'aa'],
      [2, '01020304'],
    ],
  ],
  [
    'a last one without padding',
    '0001 0004 00000000 0003 0005 bb',
    [
      [1, ''],
      [3, 'bb'],
    ],
  ],
  ['less than a property behind the last', '0002 0008 01020304 0000', [[2, '01020304']]],
];
for (const [what, hex, is] of READ) {
  test(`readProperties() reads ${what}`, () => assert.deepEqual(read(hex), is));
}

test('readProperties() refuses a length that does not hold its own header', () => {
  assert.throws(() => read('0001 0003 00000000'), { code: 'OPENFLOW_MESSAGE_MALFORMED' });
});
