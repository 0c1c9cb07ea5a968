import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter, fromHex, Truncated, toHex } from './bytes.ts';

describe('ByteReader', () => {
  const bytes = fromHex('ff 01 0203 04050607 08090a0b0c0d0e0f ff');

  test('refuses bounds outside of the bytes', () => {
    for (const [start, end] of [
      [-1, 4],
      [3, 2],
      [0, 18],
      [0.5, Number.NaN],
    ] as const)
      assert.throws(() => new ByteReader(bytes, start, end), RangeError);
  });

  test('reads values in network order between guard bytes and stops before the second', () => {
    const reader = new ByteReader(bytes, 1, 16);
    assert.deepEqual(
      [reader.u8(), reader.u16(), reader.u32(), reader.u64()],
      [1, 0x0203, 0x0405_0607, 0x0809_0a0b_0c0d_0e0fn],
    );
    assert.deepEqual([reader.at, reader.left], [16, 0]);
    assert.throws(() => reader.u8(), Truncated);
  });

  test('throws Truncated for more than is left and does not move', () => {
    const reader = new ByteReader(bytes, 0, 3);
    for (const read of [
      () => reader.u32(),
      () => reader.take(4),
      () => reader.skip(4),
      () => reader.sub(4),
      () => reader.uint(5),
    ])
      assert.throws(read, Truncated);
    assert.equal(reader.at, 0);
  });

  test('throws Truncated for a negative length instead of going back', () => {
    const reader = new ByteReader(bytes, 4);
    for (const read of [
      () => reader.take(-1),
      () => reader.skip(-1),
      () => reader.sub(-1),
      () => reader.take(Number.NaN),
    ])
      assert.throws(read, Truncated);
    assert.equal(reader.at, 4);
  });

  test('sub() reads its own bytes alone, at offsets of the whole', () => {
    const reader = new ByteReader(bytes);
    reader.skip(2);
    const part = reader.sub(2);
    assert.deepEqual([part.at, toHex(part.rest()), reader.at], [2, '0203', 4]);
    assert.throws(() => part.u8(), Truncated);
  });

  test('works on a view into a larger buffer', () => {
    assert.equal(new ByteReader(bytes.subarray(2, 4)).u16(), 0x0203);
  });
});

describe('ByteWriter', () => {
  test('refuses numbers that do not fit, instead of cutting them', () => {
    const writer = new ByteWriter().zeros(4);
    for (const write of [
      () => writer.u8(256),
      () => writer.u8(-1),
      () => writer.u16(65_536),
      () => writer.u16(1.5),
      () => writer.u32(2 ** 32),
      () => writer.u32(-1),
      () => writer.u64(1n << 64n),
      () => writer.u64(-1n),
      () => writer.uint(1n << 24n, 3),
      () => writer.uint(-1n, 5),
      () => writer.setU16(0, 65_536),
      () => writer.setU32(0, -1),
    ])
      assert.throws(write, RangeError);
    assert.equal(toHex(writer.toBytes()), '00000000');
  });

  test('refuses to overwrite what is not written yet', () => {
    const writer = new ByteWriter(64).u16(1);
    assert.throws(() => writer.setU16(1, 0), RangeError);
    assert.throws(() => writer.setU32(0, 0), RangeError);
    assert.throws(() => writer.setU16(-1, 0), RangeError);
  });

  test('grows from nothing and keeps what was written', () => {
    const writer = new ByteWriter(0);
    for (let value = 0; value < 1000; value++) writer.u16(value);
    assert.equal(writer.length, 2000);
    assert.equal(new ByteReader(writer.toBytes(), 1998).u16(), 999);
  });

  test('pad() fills with zeros, also over what an earlier use left', () => {
    const writer = new ByteWriter(16).put(fromHex('ffffffffffffffff')).clear();
    assert.equal(toHex(writer.u8(1).pad(4).u8(2).pad(8, 4).toBytes()), '010000000200000000000000');
    assert.equal(writer.pad(4).length, 12);
  });

  test('toBytes() copies, view() does not', () => {
    const writer = new ByteWriter().u16(0x0102);
    const [copy, view] = [writer.toBytes(), writer.view()];
    writer.setU16(0, 0xffff);
    assert.deepEqual([toHex(copy), toHex(view)], ['0102', 'ffff']);
  });

  test('writes every unsigned number of 1 to 10 bytes so that ByteReader reads it', () => {
    const numbers = fc
      .integer({ min: 1, max: 10 })
      .chain((length) =>
        fc.record({ length: fc.constant(length), value: fc.bigInt({ min: 0n, max: (1n << BigInt(8 * length)) - 1n }) }),
      );
    fc.assert(
      fc.property(numbers, ({ length, value }) => {
        const bytes = new ByteWriter(1).u8(0xa5).uint(value, length).u8(0xa5).toBytes();
        assert.equal(bytes.length, length + 2);
        const reader = new ByteReader(bytes);
        assert.deepEqual([reader.u8(), reader.uint(length), reader.u8()], [0xa5, value, 0xa5]);
      }),
    );
  });
});

describe('fromHex()', () => {
  for (const text of ['0', 'gg', '0x01', '01,02'])
    test(`refuses ${text}`, () => assert.throws(() => fromHex(text), RangeError));

  test('reads back what toHex() writes, white space or not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(fromHex(toHex(bytes).replace(/(..)/g, ' $1\n')), bytes)),
    );
  });
});
