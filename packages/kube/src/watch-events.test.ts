import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '@tenet/model';
import { isTenetError } from '@tenet/std';
import { decodeWatch, type WatchEvent } from './watch-events.ts';

const ASKED = { verb: 'watch', path: '/api/v1/pods' };

/** What a reader sees: the events, and the code of the error that ended them. */
async function read(...chunks: readonly string[]): Promise<{ events: WatchEvent<KubeObject>[]; code: string }> {
  const events: WatchEvent<KubeObject>[] = [];
  try {
    for await (const batch of decodeWatch<KubeObject>(ASKED, bytes(chunks))) events.push(...batch);
    return { events, code: '' };
  } catch (error) {
    assert.ok(isTenetError(error), String(error));
    return { events, code: error.code };
  }
}

async function* bytes(chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const ADDED = '{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}}\n';

describe('decodeWatch()', () => {
  const refused = [
    { name: 'what is no JSON', line: 'upstream timed out\n', code: 'KUBE_MALFORMED' },
    { name: 'an event without an object', line: '{"type":"ADDED"}\n', code: 'KUBE_MALFORMED' },
    { name: 'an event without a version', line: '{"type":"ADDED","object":{"metadata":{}}}\n', code: 'KUBE_MALFORMED' },
    { name: 'a type that it does not know', line: ADDED.replace('ADDED', 'RENAMED'), code: 'KUBE_MALFORMED' },
    {
      name: 'an expired version',
      line: '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n',
      code: 'KUBE_GONE',
    },
    { name: 'an error without a code', line: '{"type":"ERROR","object":{}}\n', code: 'KUBE_UNAVAILABLE' },
  ];
  for (const { name, line, code } of refused) {
    test(`decodeWatch() throws ${code} for ${name}, after the events before it`, async () => {
      const got = await read(ADDED + line);
      assert.equal(got.code, code);
      assert.equal(got.events.length, 1);
    });
  }

  test('decodeWatch() drops a last line that was cut off', async () => {
    const got = await read(ADDED, ADDED.slice(0, 20));
    assert.deepEqual([got.events.length, got.code], [1, '']);
  });

  test('decodeWatch() reads events and bookmarks, one chunk or many', async () => {
    const text = `${ADDED}{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n`;
    const expected = [
      { type: 'ADDED', object: { metadata: { name: 'a', resourceVersion: '5' } } },
      { type: 'BOOKMARK', resourceVersion: '9' },
    ];
    assert.deepEqual((await read(text)).events, expected);
    assert.deepEqual((await read(...text)).events, expected);
  });

  test('decodeWatch() tells of bytes that make no event yet', async () => {
    let heard = 0;
    const events = decodeWatch<KubeObject>(ASKED, bytes(['{', '"type"']), () => heard++);
    for await (const _ of events) assert.fail('there is no whole event');
    assert.equal(heard, 2);
  });
});
