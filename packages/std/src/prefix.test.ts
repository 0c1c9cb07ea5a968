import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isTenetError } from './errors.ts';
import { ADDRESS_BITS, Ip } from './ip.ts';
import { Prefix } from './prefix.ts';

const INVALID = [
  ...['', '/', '10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/8/8', '10.0.0.0/8 '],
  ...['::/129', '10.0.0/8', '/8', '10.0.0.0/255.0.0.0'],
];

describe('Prefix.parse()', () => {
  for (const text of INVALID) {
    test(`refuses ${JSON.stringify(text)}, as parseLoose() does`, () => {
      assert.throws(() => Prefix.parse(text), { code: 'ADDRESS_MALFORMED' });
      assert.throws(() => Prefix.parseLoose(text), { code: 'ADDRESS_MALFORMED' });
    });
  }

  test('refuses host bits, which parseLoose() masks away', () => {
    assert.throws(() => Prefix.parse('10.131.2.1/23'), {
      code: 'PREFIX_HAS_HOST_BITS',
      message: '10.131.2.1/23 has host bits set',
      remedy: 'write 10.131.2.0/23',
    });
    assert.equal(Prefix.parseLoose('10.131.2.1/23').toString(), '10.131.2.0/23');
    assert.equal(Prefix.parseLoose('2001:DB8::1/32').toString(), '2001:db8::/32');
  });

  test('reads back what toString() writes', () => {
    fc.assert(fc.property(aPrefix(), (prefix) => assert.ok(Prefix.parse(prefix.toString()).equals(prefix))));
  });

  test('gives a prefix or an error of ours for any text', () => {
    const near = fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), fc.oneof(fc.nat(200).map(String), fc.string()))
      .map((parts) => parts.join('/'));
    fc.assert(
      fc.property(near, (text) => {
        try {
          assert.ok(Prefix.parse(text).length >= 0);
        } catch (error) {
          if (!isTenetError(error, 'ADDRESS_MALFORMED') && !isTenetError(error, 'PREFIX_HAS_HOST_BITS')) throw error;
        }
      }),
    );
  });
});

describe('Prefix', () => {
  test('of() refuses lengths that do not fit the family', () => {
    for (const length of [-1, 33, 1.5, Number.NaN]) assert.throws(() => Prefix.of(Ip.of(4, 0n), length), RangeError);
    assert.throws(() => Prefix.of(Ip.of(6, 0n), 129), RangeError);
  });

  test('knows its mask, size and last address', () => {
    const subnet = Prefix.parse('10.131.2.0/23');
    assert.deepEqual([subnet.mask, subnet.size, `${subnet.last}`], [0xffff_fe00n, 512n, '10.131.3.255']);
    const all = Prefix.parse('0.0.0.0/0');
    assert.deepEqual([all.mask, all.size, `${all.last}`], [0n, 1n << 32n, '255.255.255.255']);
    assert.equal(Prefix.parse('::1/128').last.toString(), '::1');
  });

  test('contains exactly the addresses from its first to its last', () => {
    fc.assert(
      fc.property(aPrefix(), anyIp(), (prefix, ip) => {
        const within = ip.family === prefix.family && ip.value >= prefix.address.value && ip.value <= prefix.last.value;
        assert.equal(prefix.contains(ip), within);
        assert.ok(prefix.contains(prefix.address) && prefix.contains(prefix.last));
      }),
    );
  });

  test('overlaps() is symmetric, and true exactly when one holds the other', () => {
    fc.assert(
      fc.property(aPrefix(), aPrefix(), (a, b) => {
        assert.equal(a.overlaps(b), b.overlaps(a));
        const common = a.family === b.family && a.address.value <= b.last.value && b.address.value <= a.last.value;
        assert.equal(a.overlaps(b), common);
      }),
    );
  });

  test('never takes IPv4 for IPv6', () => {
    assert.ok(!Prefix.parse('0.0.0.0/0').contains(Ip.parse('::1')));
    assert.ok(!Prefix.parse('::/0').overlaps(Prefix.parse('0.0.0.0/0')));
    assert.ok(!Prefix.parse('::/0').equals(Prefix.parse('0.0.0.0/0')));
  });
});

function anyIp(): fc.Arbitrary<Ip> {
  return fc.oneof(
    fc.nat(600).map((low) => Ip.of(4, 0x0a83_0200n + BigInt(low))),
    fc.nat(600).map((low) => Ip.of(6, BigInt(low))),
  );
}

function aPrefix(): fc.Arbitrary<Prefix> {
  return fc.tuple(anyIp(), fc.nat(128)).map(([ip, length]) => Prefix.of(ip, length % (ADDRESS_BITS[ip.family] + 1)));
}
