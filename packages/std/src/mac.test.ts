import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Ip } from './ip.ts';
import { Mac } from './mac.ts';

const INVALID = [
  '',
  '0a:58:0a:83:02',
  '0a:58:0a:83:02:2d:00',
  '0a-58-0a-83-02-2d',
  'a:58:0a:83:02:2d',
  '0g:58:0a:83:02:2d',
  '0a580a83022d',
];

describe('Mac', () => {
  for (const text of INVALID)
    test(`parse() refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => Mac.parse(text), { code: 'ADDRESS_MALFORMED' }));

  test('of() and fromBytes() refuse what has not 48 bits', () => {
    for (const value of [-1n, 1n << 48n]) assert.throws(() => Mac.of(value), RangeError);
    for (const length of [5, 7]) assert.throws(() => Mac.fromBytes(new Uint8Array(length)), RangeError);
  });

  test('parse() reads back what toString() writes, and fromBytes() what toBytes() gives', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 48n) - 1n }), (value) => {
        const mac = Mac.of(value);
        assert.ok(Mac.parse(mac.toString().toUpperCase()).equals(mac));
        assert.ok(Mac.fromBytes(mac.toBytes()).equals(mac));
      }),
    );
  });

  test('fromIpv4() is 0a:58 and the address, and refuses IPv6', () => {
    assert.equal(Mac.fromIpv4(Ip.parse('10.131.2.45')).toString(), '0a:58:0a:83:02:2d');
    assert.equal(Mac.fromIpv4(Ip.parse('255.255.255.255')).toString(), '0a:58:ff:ff:ff:ff');
    assert.throws(() => Mac.fromIpv4(Ip.parse('::1')), RangeError);
  });

  test('writes itself in JSON', () => assert.equal(JSON.stringify(Mac.BROADCAST), '"ff:ff:ff:ff:ff:ff"'));
});
