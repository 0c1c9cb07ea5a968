import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineSplitter, MAX_LINE_CHARS } from './json-lines.ts';

test('LineSplitter throws when a line does not end', () => {
  const lines = new LineSplitter();
  const half = new Uint8Array(MAX_LINE_CHARS / 2 + 1).fill(0x61);
  assert.deepEqual(lines.push(half), []);
  assert.throws(() => lines.push(half), RangeError);
});

test('LineSplitter keeps what has no newline yet', () => {
  const lines = new LineSplitter();
  assert.deepEqual(lines.push(Buffer.from('{"a":1}\n{"b"')), ['{"a":1}']);
  assert.deepEqual(lines.push(Buffer.from(':2}\r\n\n')), ['{"b":2}\r']);
});

test('LineSplitter reads a line of 15 MiB in small chunks in a time that grows with its length', () => {
  const lines = new LineSplitter();
  const chunk = new Uint8Array(1024).fill(0x61);
  const chunks = 15 * 1024;
  const startedMs = performance.now();
  for (let i = 0; i < chunks; i++) lines.push(chunk);
  const [line] = lines.push(Buffer.from('\n'));
  assert.equal(line?.length, chunks * chunk.length);
  // Tens of milliseconds; a look at the whole line with every chunk takes most of a minute.
  assert.ok(performance.now() - startedMs < 3000, 'it is quadratic');
});

test('LineSplitter gives the same lines however the bytes are cut, within a character too', () => {
  const text = fc.array(
    fc.string({ unit: 'binary', minLength: 1 }).map((s) => JSON.stringify(s)),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(200)), (expected, cuts) => {
      const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(''));
      const lines = new LineSplitter();
      const got: string[] = [];
      const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
      let start = 0;
      for (const end of ends) {
        got.push(...lines.push(bytes.subarray(start, end)));
        start = end;
      }
      assert.deepEqual(
        got,
        expected.map((line) => Buffer.from(line).toString()),
      );
    }),
  );
});
