import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromHex } from '../bytes.ts';
import { internetChecksum } from './checksum.ts';
import { crc32c } from './crc32c.ts';

describe('internetChecksum()', () => {
  test('is the complement of the sum of RFC 1071 §3', () => {
    assert.equal(internetChecksum(fromHex('0001 f203 f4f5 f6f7')), ~0xddf2 & 0xffff);
  });

  test('is 0xffff of nothing and 0 over bytes that hold their sum', () => {
    assert.equal(internetChecksum(), 0xffff);
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const padded = bytes.length % 2 === 0 ? bytes : Uint8Array.from([...bytes, 0]);
        const sum = internetChecksum(padded);
        assert.equal(internetChecksum(padded, Uint8Array.of(sum >> 8, sum & 0xff)), 0);
      }),
    );
  });

  test('does not depend on how the bytes are cut into parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
        assert.equal(internetChecksum(bytes.subarray(0, at), bytes.subarray(at)), internetChecksum(bytes));
      }),
    );
  });

  test('folds the carry of 64 KiB of ones', () => assert.equal(internetChecksum(new Uint8Array(65_536).fill(0xff)), 0));
});

describe('crc32c()', () => {
  // biome-ignore format: one vector per line
  const VECTORS = [
    { name: 'the check value of CRC-32C, of the digits 1 to 9', bytes: fromHex('313233343536373839'), crc: 0xe306_9283 },
    { name: '32 zeros (RFC 3720 B.4)', bytes: new Uint8Array(32), crc: 0x8a91_36aa },
    { name: '32 ones (RFC 3720 B.4)', bytes: new Uint8Array(32).fill(0xff), crc: 0x62a8_ab43 },
    { name: '0 to 31 (RFC 3720 B.4)', bytes: Uint8Array.from({ length: 32 }, (_, at) => at), crc: 0x46dd_794e },
  ];
  for (const { name, bytes, crc } of VECTORS) test(`is right of ${name}`, () => assert.equal(crc32c(bytes), crc));
});
