import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import fc from 'fast-check';
import { JsonSplitter, type JsonSplitterLimits } from './json-splitter.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** All messages of the chunks, and the failure behind them. */
function split(chunks: readonly Uint8Array[], limits?: Partial<JsonSplitterLimits>) {
  const splitter = new JsonSplitter(limits);
  const messages: unknown[] = [];
  try {
    for (const chunk of chunks) for (const message of splitter.push(chunk)) messages.push(message);
  } catch (error) {
    assert.ok(isTenetError(error, 'JSON_STREAM_MALFORMED'), String(error));
    return { messages, failedAt: error.facts.offset, pendingBytes: splitter.pendingBytes };
  }
  return { messages, pendingBytes: splitter.pendingBytes };
}

const byteByByte = (stream: Uint8Array) => Array.from(stream, (byte) => Uint8Array.of(byte));

describe('JsonSplitter', () => {
  // biome-ignore format: one row per line
  const INVALID = [
    { name: 'text',                       stream: 'HTTP/1.1 400',        failedAt: 0,  before: [] },
    { name: 'a number at the top',        stream: '42',                  failedAt: 0,  before: [] },
    { name: 'a bracket that opens none',  stream: '{}]',                 failedAt: 2,  before: [{}] },
    { name: 'brackets that cross',        stream: '{"a":[}',             failedAt: 6,  before: [] },
    { name: 'a word outside a string',    stream: '{"a":x',              failedAt: 5,  before: [] },
    { name: 'a line break in a string',   stream: '{"a\n',               failedAt: 3,  before: [] },
    { name: 'a misspelt message',         stream: '{}{"a":tru}',         failedAt: 10, before: [{}] },
    { name: 'a NUL between messages',     stream: '[1]\0[2]',            failedAt: 3,  before: [[1]] },
    { name: 'nesting beyond the limit',   stream: '[[[[[',               failedAt: 4,  before: [] },
    { name: 'a message beyond the limit', stream: `["${'x'.repeat(40)}`, failedAt: 32, before: [] },
  ];
  for (const { name, stream, failedAt, before } of INVALID) {
    test(`push() yields what was whole and fails at once when it meets ${name}`, () => {
      const limits = { depth: 4, lengthBytes: 32 };
      const inOne = split([bytes(stream)], limits);
      assert.deepEqual(inOne.messages, before);
      assert.equal(inOne.failedAt, failedAt);
      const single = split(byteByByte(bytes(stream)), limits);
      assert.deepEqual([single.messages, single.failedAt], [inOne.messages, inOne.failedAt]);
    });
  }

  test('push() refuses a message that is not UTF-8', () => {
    assert.deepEqual(split([Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d)]).failedAt, 4);
  });

  test('push() fails again with the same error when it failed before', () => {
    const splitter = new JsonSplitter();
    const failure = () => [...splitter.push(bytes('x'))];
    assert.throws(failure, (first) => {
      assert.throws(
        () => [...splitter.push(bytes('{}'))],
        (second) => second === first,
      );
      return true;
    });
  });

  // biome-ignore format: one row per line
  const VALID = [
    { name: 'nothing',                     stream: '',                              messages: [] },
    { name: 'space alone',                 stream: ' \r\n\t',                       messages: [] },
    { name: 'messages without a gap',      stream: '{"a":1}[2]{}',                  messages: [{ a: 1 }, [2], {}] },
    { name: 'brackets in strings',         stream: '{"}]":"[{"}',                   messages: [{ '}]': '[{' }] },
    { name: 'escaped quotes',              stream: String.raw`["\"","\\",{"\\\"":1}]`, messages: [['"', '\\', { '\\"': 1 }]] },
    { name: 'characters of several bytes', stream: '{"ü":"€😀"}',                   messages: [{ ü: '€😀' }] },
    { name: 'an escaped character',        stream: String.raw`["\u20ac"]`,          messages: [['€']] },
    { name: 'every kind of value',         stream: '[null,true,false,-1.5e+3,""]',  messages: [[null, true, false, -1500, '']] },
  ];
  for (const { name, stream, messages } of VALID) {
    test(`push() yields each message when given ${name}, in one chunk and byte by byte`, () => {
      assert.deepEqual(split([bytes(stream)]), { messages, pendingBytes: 0 });
      assert.deepEqual(split(byteByByte(bytes(stream))), { messages, pendingBytes: 0 });
    });
    test(`push() takes exactly its bytes when ${name} stands between guard messages`, () => {
      assert.deepEqual(split([bytes(`{"g":0}${stream}{"g":1}{"half`)]), {
        messages: [{ g: 0 }, ...messages, { g: 1 }],
        pendingBytes: 6,
      });
    });
  }

  test('push() keeps nothing of a chunk whose memory is used again', () => {
    const splitter = new JsonSplitter();
    const chunk = bytes('["ab');
    assert.deepEqual([...splitter.push(chunk)], []);
    chunk.fill(0);
    assert.deepEqual([...splitter.push(bytes('"]'))], [['ab']]);
  });

  test('push() yields the same messages however the stream is cut', () => {
    const property = fc.property(
      fc.array(fc.oneof(fc.array(fc.json()), fc.dictionary(fc.string(), fc.jsonValue()))),
      fc.array(fc.nat(40)),
      (values, cuts) => {
        // JSON has no -0, so compare with what JSON makes of the values.
        const messages = values.map((value) => JSON.parse(JSON.stringify(value)));
        const stream = bytes(values.map((value) => JSON.stringify(value)).join(''));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(stream.subarray(at));
        assert.deepEqual(split(chunks), { messages, pendingBytes: 0 });
      },
    );
    fc.assert(property);
  });

  test('push() answers messages, not yet, or our own error for any bytes at all', () => {
    const alphabet = fc.constantFrom(...bytes('{}[]",:\\ 1e-tn'));
    const anyBytes = fc.uint8Array({ maxLength: 60 });
    const nearly = fc.array(alphabet, { maxLength: 60 }).map((codes) => Uint8Array.from(codes));
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearly), (stream) => {
        const { messages, failedAt, pendingBytes } = split([stream]);
        assert.ok(messages.every((message) => typeof message === 'object' && message !== null));
        assert.ok(failedAt !== undefined || pendingBytes <= stream.length);
        assert.deepEqual(split(byteByByte(stream)).messages, messages);
      }),
    );
  });
});
