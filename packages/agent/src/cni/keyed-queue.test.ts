import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyedQueue } from './keyed-queue.ts';

describe('KeyedQueue', () => {
  test('run() runs one key in order, also after a failure, and another key at the same time', async () => {
    const queue = new KeyedQueue();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = queue.run('a', async () => {
      await gate.promise;
      order.push('a1');
      throw new Error('a1 failed');
    });
    const second = queue.run('a', async () => void order.push('a2'));
    await queue.run('b', async () => void order.push('b'));
    gate.resolve();
    await assert.rejects(first, /a1 failed/);
    await second;
    assert.deepEqual(order, ['b', 'a1', 'a2']);
  });

  test('isBusy() is true from the call of run() until the last of its key has ended', async () => {
    const queue = new KeyedQueue();
    assert.equal(queue.isBusy('a'), false);
    const [one, two] = [queue.run('a', async () => {}), queue.run('a', async () => {})];
    assert.deepEqual([queue.isBusy('a'), queue.isBusy('b'), queue.size], [true, false, 1]);
    await one;
    assert.equal(queue.isBusy('a'), true);
    await two;
    assert.deepEqual([queue.isBusy('a'), queue.size], [false, 0]);
  });
});
