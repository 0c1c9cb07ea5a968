import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, isTenetError, toHex } from '@tenet/std';
import fc from 'fast-check';
import { attribute, listAttributes, readAttributes } from './attributes.ts';
import { LITTLE_ENDIAN, readText, readU32, text, u32 } from './bytes.ts';
import { NLMSG, RTM } from './constants.ts';
import { decodeMessages, encodeMessage, verdictOf } from './message.ts';
import { struct } from './struct.ts';

/** Captured from Linux 6.18 with strace, on a machine that is little-endian. */
const ACKNOWLEDGED = '24000000 0200 0001 05000000 01000000  00000000 28000000 1300 0500 05000000 00000000';
const MTU_TOO_LARGE =
  '48000000 0200 0003 06000000 01000000  eaffffff 28000000 1300 0500 06000000 00000000 ' +
  '2400 0100 6d74752067726561746572207468616e20646576696365206d6178696d756d00';
const DUMP_DONE = '14000000 0300 0200 02000000 01000000  00000000';

describe('decodeMessages()', { skip: !LITTLE_ENDIAN && 'the captures are little-endian' }, () => {
  const invalid = [
    { name: 'half a header', wire: '24000000 0200' },
    { name: 'a length that counts less than the header', wire: '0c000000 0200 0000 05000000 01000000' },
    { name: 'a length beyond the datagram', wire: '24000000 0200 0000 05000000 01000000 00000000' },
  ];
  for (const { name, wire } of invalid)
    test(`decodeMessages() refuses ${name}`, () => {
      assert.throws(
        () => decodeMessages(fromHex(wire)),
        (error) => isTenetError(error, 'NETLINK_MALFORMED'),
      );
    });

  const verdicts = [
    { name: 'success of an acknowledgement', wire: ACKNOWLEDGED, is: { errno: 0 } },
    {
      name: "the kernel's sentence of an error",
      wire: MTU_TOO_LARGE,
      is: { errno: 22, sentence: 'mtu greater than device maximum' },
    },
    { name: 'success at the end of a dump', wire: DUMP_DONE, is: { errno: 0 } },
  ];
  for (const { name, wire, is } of verdicts)
    test(`verdictOf() gives ${name}`, () => {
      const messages = decodeMessages(fromHex(wire));
      assert.deepEqual(messages.map(verdictOf), [is]);
    });

  test('decodeMessages() gives each message of a datagram with several', () => {
    const messages = decodeMessages(fromHex(ACKNOWLEDGED + DUMP_DONE));
    assert.deepEqual(
      messages.map(({ type, sequence }) => [type, sequence]),
      [
        [NLMSG.ERROR, 5],
        [NLMSG.DONE, 2],
      ],
    );
  });

  test('verdictOf() is undefined when the message is an answer', () => {
    assert.equal(verdictOf({ type: RTM.NEWLINK, flags: 0, sequence: 1, body: new Uint8Array(16) }), undefined);
  });
});

test('decodeMessages() reads what encodeMessage() wrote, and nothing of the padding', () => {
  const message = fc.record({
    type: fc.nat(0xffff),
    flags: fc.nat(0xffff),
    sequence: fc.nat(0xffff_ffff),
    body: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(message, message, (first, second) => {
      const datagram = new Uint8Array([...encodeMessage(first), ...encodeMessage(second)]);
      assert.equal(datagram.length % 4, 0);
      assert.deepEqual(
        decodeMessages(datagram).map(({ body, ...rest }) => ({ ...rest, body: toHex(body) })),
        [first, second].map(({ body, ...rest }) => ({ ...rest, body: toHex(body) })),
      );
    }),
  );
});

test('decodeMessages() and verdictOf() end in a value or NETLINK_MALFORMED for any bytes at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        decodeMessages(bytes).map(verdictOf);
      } catch (error) {
        assert.ok(isTenetError(error, 'NETLINK_MALFORMED'), String(error));
      }
    }),
  );
});

test('verdictOf() ends in a value or NETLINK_MALFORMED for an error with any body at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(0xffff), (body, flags) => {
      try {
        verdictOf({ type: NLMSG.ERROR, flags, sequence: 1, body });
      } catch (error) {
        assert.ok(isTenetError(error, 'NETLINK_MALFORMED'), String(error));
      }
    }),
  );
});

test('listAttributes() refuses an attribute that is longer than what is left', () => {
  const cut = attribute(1, u32(7)).subarray(0, 6);
  assert.throws(
    () => listAttributes(cut),
    (error) => isTenetError(error, 'NETLINK_MALFORMED'),
  );
});

test('readAttributes() reads what attribute() wrote, behind a header of any length', () => {
  const bytes = new Uint8Array([...new Uint8Array(12), ...attribute(3, text('eth0')), ...attribute(4, u32(1450))]);
  const found = readAttributes(bytes, 9);
  assert.equal(readText(found.get(3) ?? new Uint8Array()), 'eth0');
  assert.equal(readU32(found.get(4) ?? new Uint8Array()), 1450);
});

test('readAttributes() ignores the flags of a type', () => {
  assert.deepEqual([...readAttributes(attribute(0x8012, u32(0))).keys()], [0x12]);
});

test('struct() reads what it wrote, at the length of the C struct', () => {
  const example = struct({ family: 'u8', pad: 'u8', type: 'u16', index: 'i32', flags: 'u32', port: 'be16' });
  const values = { family: 10, pad: 0, type: 0x1234, index: -1, flags: 0xffff_fffe, port: 8080 };
  assert.equal(example.lengthBytes, 14);
  assert.deepEqual(example.read(example.write(values)), values);
  assert.deepEqual(example.write({ port: 8080 }).subarray(12), Uint8Array.of(0x1f, 0x90));
});
