import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Logger } from '@tenet/std';
import { keepServed } from './keep-served.ts';

/** A place that can be taken, a clock that ticks when told, and a log that remembers. */
function surroundings() {
  const place = { isTaken: false, isThere: true, opened: 0, closed: 0 };
  const said: string[] = [];
  const say = (phrase: string) => void said.push(phrase);
  const log: Logger = { debug: say, info: say, warn: say, error: say };
  let wake = () => {};
  const clock = {
    nowMs: () => 0,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        wake = resolve;
        signal?.addEventListener('abort', () => resolve());
      }),
  };
  /** One look later. */
  const tick = async (): Promise<void> => {
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const listen = async (): Promise<AsyncDisposable> => {
    if (place.isTaken) throw new Error('taken');
    place.opened++;
    place.isThere = true;
    return { [Symbol.asyncDispose]: async () => void place.closed++ };
  };
  const options = { what: 'metrics', address: 'a', listen, isThere: () => place.isThere, log, clock };
  return { place, said, tick, keep: () => keepServed({ ...options, signal: new AbortController().signal }) };
}

describe('keepServed()', () => {
  test('tries until the place is free, and says both once', async () => {
    const { place, said, tick, keep } = surroundings();
    place.isTaken = true;
    await using kept = await keep();
    await tick();
    await tick();
    assert.match(String(kept.failure), /taken/);
    assert.deepEqual(said, ['not served']);
    place.isTaken = false;
    await tick();
    await tick();
    assert.equal(kept.failure, undefined);
    assert.deepEqual(said, ['not served', 'served again']);
    assert.equal(place.opened, 1);
  });

  test('listens anew when what it listens at was taken away', async () => {
    const { place, said, tick, keep } = surroundings();
    await using kept = await keep();
    place.isThere = false;
    await tick();
    assert.deepEqual([place.opened, place.closed, kept.failure, said], [2, 1, undefined, []]);
  });

  test('closes when it is disposed, and only then', async () => {
    const { place, keep } = surroundings();
    {
      await using _kept = await keep();
      assert.equal(place.closed, 0);
    }
    assert.equal(place.closed, 1);
  });
});
