import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('Turns.take() lets one after the other, in the order of asking, also behind one who fails', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const take = (name: string, gate?: Promise<void>) =>
    turns.take(async () => {
      seen.push(`${name} begins`);
      await gate;
      seen.push(`${name} ends`);
      return name;
    });
  const first = assert.rejects(take('first', gates[0]?.promise), /no more/);
  const second = take('second', gates[1]?.promise);
  const third = take('third');
  await Promise.resolve();
  assert.deepEqual(seen, ['first begins']);
  gates[0]?.reject(new Error('no more'));
  await first;
  gates[1]?.resolve();
  assert.deepEqual(await Promise.all([second, third]), ['second', 'third']);
  assert.deepEqual(seen, ['first begins', 'second begins', 'second ends', 'third begins', 'third ends']);
});
