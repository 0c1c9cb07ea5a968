import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LITTLE_ENDIAN } from '../netlink/bytes.ts';
import { withoutCounters } from './legacy-digest.ts';

/** `struct ipt_entry` with an end of its own: where the next one starts is at 90, the counters are at 96. */
function entry(lengthBytes: number, packets: number, mark: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes).fill(mark);
  const view = new DataView(bytes.buffer);
  view.setUint16(90, lengthBytes, LITTLE_ENDIAN);
  view.setBigUint64(96, BigInt(packets), LITTLE_ENDIAN);
  view.setBigUint64(104, BigInt(packets * 100), LITTLE_ENDIAN);
  return bytes;
}

function table(packets: number, mark: number): Uint8Array {
  return Uint8Array.from([...entry(152, packets, 1), ...entry(176, packets + 1, mark), ...entry(152, packets + 2, 3)]);
}

test('withoutCounters() gives the same whatever the rules have counted', () => {
  assert.deepEqual(withoutCounters(table(0, 2)), withoutCounters(table(123_456, 2)));
});

test('withoutCounters() keeps all else of each rule', () => {
  assert.notDeepEqual(withoutCounters(table(7, 2)), withoutCounters(table(7, 9)));
  const kept = withoutCounters(table(7, 2));
  assert.deepEqual([kept[0], kept[152], kept[152 + 175], kept[328]], [1, 2, 2, 3]);
});

test('withoutCounters() comes to an end when an entry says that it is shorter than it can be', () => {
  const broken = table(7, 2);
  new DataView(broken.buffer).setUint16(90, 0, LITTLE_ENDIAN);
  assert.equal(withoutCounters(broken).length, broken.length);
});
