import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from './bytes.ts';
import { sha256 } from './sha256.ts';

/** NIST CSRC, "Examples with Intermediate Values", SHA-256; FIPS 180-2 Appendix B. */
const VECTORS = [
  { message: '', digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
  { message: 'abc', digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  {
    message: 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    digest: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  },
  {
    message: 'a'.repeat(1_000_000),
    digest: 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
  },
];

for (const { message, digest } of VECTORS) {
  test(`sha256() gives the published digest when the message has ${message.length} bytes`, () => {
    assert.equal(toHex(sha256(new TextEncoder().encode(message))), digest);
  });
}

test('sha256() agrees with OpenSSL when the message has any length around the ends of blocks', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
      assert.equal(toHex(sha256(message)), createHash('sha256').update(message).digest('hex'));
    }),
  );
});
