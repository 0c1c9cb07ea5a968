import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteWriter, fromHex, toHex } from '@tenet/std';
import { CAPTURES, MONITOR_CAPTURES } from '../../testing/captures.ts';
import { FrameReader, nextFrame } from './frame.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';

/** Captures that we write differently, with the reason; they must still mean the same. */
const OTHER_BYTES: readonly (readonly [part: RegExp, why: string])[] = [
  [/nw_ttl=3,nw_frag=no/, 'our table has these two fields the other way round'],
  [/tcp_flags=/, 'TCP flags have a header of their own in each version, and the NXM one in all'],
  [/tun_flags=/, 'the only flag that exists needs no mask'],
  [/^.*dump-flows br0 0[45]13/, 'durations are kept in milliseconds'],
];

for (const { command, hex } of [...CAPTURES, ...MONITOR_CAPTURES]) {
  const bytes = fromHex(hex);
  const other = OTHER_BYTES.find(([part]) => part.test(`${command} ${hex}`));
  describe(`${command} (${hex.slice(0, 4)})`, () => {
    test('decodeMessage() reads it', () => {
      const { message, version } = decodeMessage(bytes);
      assert.equal(version, bytes[0]);
      assert.notEqual(message.kind, 'other');
    });

    test(
      other === undefined ? 'encodeMessage() writes the same bytes' : `encodeMessage() means the same: ${other[1]}`,
      () => {
        const envelope = decodeMessage(bytes);
        const again = encoded(envelope);
        if (other === undefined) assert.equal(toHex(again), hex);
        else assert.deepEqual(decodeMessage(again), envelope);
      },
    );

    test('nextFrame() takes it from one chunk', () => {
      assert.deepEqual(nextFrame(bytes), { frame: bytes, rest: new Uint8Array(0) });
    });

    test('FrameReader yields it once, at its last byte, when it comes byte by byte', () => {
      const reader = new FrameReader();
      for (const [at, byte] of bytes.entries()) {
        reader.push(Uint8Array.of(byte));
        const frame = reader.next();
        if (at < bytes.length - 1) assert.equal(frame, undefined);
        else assert.deepEqual(frame, bytes);
      }
      assert.equal(reader.next(), undefined);
    });

    test('decodeMessage() reads nothing outside of it', () => {
      const guarded = new Uint8Array(bytes.length + 32).fill(0xff);
      guarded.set(bytes, 16);
      const cut = nextFrame(guarded.subarray(16));
      assert.equal(cut?.rest.length, 16);
      assert.deepEqual(decodeMessage(cut.frame), decodeMessage(bytes));
    });
  });
}

function encoded(envelope: Parameters<typeof encodeMessage>[1]): Uint8Array {
  const w = new ByteWriter();
  encodeMessage(w, envelope);
  return w.toBytes();
}
