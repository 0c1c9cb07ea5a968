import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENTS } from './own-table.ts';

/** What the kernel reserves at once for a dynamic set of this size (lib/rhashtable.c, rounded_hashtable_size). */
function reservedBytes(size: number): number {
  const POINTER_BYTES = 8;
  return 2 ** Math.ceil(Math.log2((size * 4) / 3)) * POINTER_BYTES;
}

test('CLIENTS remembers thousands of clients of an endpoint, and takes little where there are thousands of endpoints', () => {
  const size = Number(/size (\d+);/.exec(CLIENTS.text)?.[1]);
  assert.ok(size > 5_000, `${size} clients`);
  assert.ok(reservedBytes(size) <= 64 * 1024, `${reservedBytes(size)} bytes`);
});
