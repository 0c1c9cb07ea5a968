import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isTenetError } from './errors.ts';
import { ADDRESS_BITS, type Family, Ip } from './ip.ts';

const INVALID = [
  ...['', ' ', '10.0.0', '10.0.0.0.1', '256.0.0.1', '01.2.3.4', '1.2.3.4 ', '1.2.3.4\n', '0x1.2.3.4', '1.2.3.-4', '10'],
  ...[
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1::',
    '12345::',
    'g::',
    ':1::',
    '1::2:',
  ],
  ...['1.2.3.4::', '1.2.3.4::1', '::1.2.3.4:5', '::1.2.3', '::256.0.0.1', '::01.2.3.4', 'fe80::1%eth0', '[::1]'],
];

/** Written form, and the one text of RFC 5952; the clause in the third column. */
const CANONICAL = [
  ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1', '§4.1 leading zeros, §4.2.3 first of equal runs'],
  ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1', '§4.2.1 as short as possible'],
  ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1', '§4.2.2 no :: for one group'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', '§4.2.3 longest run'],
  ['2001:DB8::ABCD', '2001:db8::abcd', '§4.3 lower case'],
  ['::ffff:c000:201', '::ffff:192.0.2.1', '§5 IPv4-mapped'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201', 'RFC 4291 §2.2 form 3'],
  ['0:0:0:0:0:0:0:0', '::', 'RFC 4291 §2.2'],
  ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7:0', '§4.2.2 at the end'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', 'RFC 4291 §2.2: :: may stand for one group'],
  ['0:0:1:2:3:4:5:6', '::1:2:3:4:5:6', 'a run at the start'],
  ['255.255.255.255', '255.255.255.255', 'RFC 791'],
  ['0.0.0.0', '0.0.0.0', 'RFC 791'],
] as const;

describe('Ip.parse()', () => {
  for (const text of INVALID)
    test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => Ip.parse(text), { code: 'ADDRESS_MALFORMED' }));

  for (const [written, canonical, why] of CANONICAL)
    test(`reads ${written} as ${canonical} (${why})`, () => assert.equal(Ip.parse(written).toString(), canonical));

  test('reads back what toString() writes', () => {
    fc.assert(fc.property(anIp(), (ip) => assert.ok(Ip.parse(ip.toString()).equals(ip))));
  });

  test('reads what other software writes, with any run of zeros shortened', () => {
    fc.assert(fc.property(fc.ipV6(), (text) => assert.equal(Ip.parse(text).family, 6)));
    fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(Ip.parse(text).toString(), text)));
  });

  test('gives an address or ADDRESS_MALFORMED for any text', () => {
    const near = fc
      .array(fc.constantFrom('::', ':', '0', '1', 'ffff', '1.2.3.4', '.', '256', 'x'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) => {
        try {
          const ip = Ip.parse(text);
          assert.ok(Ip.parse(ip.toString()).equals(ip));
        } catch (error) {
          if (!isTenetError(error, 'ADDRESS_MALFORMED')) throw error;
        }
      }),
      { numRuns: 800 },
    );
  });
});

describe('Ip', () => {
  test('of() refuses numbers that do not fit the family', () => {
    for (const value of [-1n, 1n << 32n]) assert.throws(() => Ip.of(4, value), RangeError);
    for (const value of [-1n, 1n << 128n]) assert.throws(() => Ip.of(6, value), RangeError);
  });

  test('fromBytes() refuses all lengths but 4 and 16', () => {
    for (const length of [0, 3, 5, 15, 17]) assert.throws(() => Ip.fromBytes(new Uint8Array(length)), RangeError);
  });

  test('fromBytes() reads back what toBytes() gives', () => {
    fc.assert(fc.property(anIp(), (ip) => assert.ok(Ip.fromBytes(ip.toBytes()).equals(ip))));
  });

  test('plus() goes there and back, and refuses to leave the family', () => {
    assert.equal(Ip.parse('10.0.0.255').plus(1).toString(), '10.0.1.0');
    assert.throws(() => Ip.parse('255.255.255.255').plus(1), RangeError);
    assert.throws(() => Ip.parse('::').plus(-1), RangeError);
    fc.assert(fc.property(fc.nat(), (offset) => assert.equal(Ip.of(6, 5n).plus(offset).plus(-offset).value, 5n)));
  });

  test('compare() orders IPv4 before IPv6, then by number, and agrees with equals()', () => {
    const texts = ['::', '10.0.0.2', '9.255.0.0', '::1', '10.0.0.10'];
    const sorted = texts.map((text) => Ip.parse(text)).toSorted(Ip.compare);
    assert.deepEqual(sorted.map(String), ['9.255.0.0', '10.0.0.2', '10.0.0.10', '::', '::1']);
    fc.assert(fc.property(anIp(), anIp(), (a, b) => assert.equal(Ip.compare(a, b) === 0, a.equals(b))));
  });

  test('the IPv4 and the IPv6 address of one number are two', () => {
    assert.ok(!Ip.of(4, 1n).equals(Ip.of(6, 1n)));
    assert.equal(JSON.stringify({ ip: Ip.of(6, 1n) }), '{"ip":"::1"}');
  });
});

function anIp(): fc.Arbitrary<Ip> {
  const group = fc.constantFrom(0n, 0n, 1n, 0xffffn, 0xabn);
  const sparse = fc
    .array(group, { minLength: 8, maxLength: 8 })
    .map((groups) => groups.reduce<bigint>((sum, part) => (sum << 16n) | part, 0n));
  const of = (family: Family) => (value: bigint) => Ip.of(family, value);
  return fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << BigInt(ADDRESS_BITS[4])) - 1n }).map(of(4)),
    fc.bigInt({ min: 0n, max: (1n << BigInt(ADDRESS_BITS[6])) - 1n }).map(of(6)),
    sparse.map(of(6)),
  );
}
