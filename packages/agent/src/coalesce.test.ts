import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { coalesce } from './coalesce.ts';

describe('coalesce()', () => {
  test('gives a call that comes during a pass the next pass, which sees what the caller saw', async () => {
    let world = 1;
    const seen: number[] = [];
    const gates: (() => void)[] = [];
    const pass = coalesce(async () => {
      seen.push(world);
      await new Promise<void>((resolve) => gates.push(resolve));
    });
    const first = pass();
    world = 2;
    const later = [pass(), pass(), pass()];
    gates[0]?.();
    await first;
    await Promise.resolve();
    gates[1]?.();
    await Promise.all(later);
    assert.deepEqual(seen, [1, 2]);
  });

  test('rejects the calls of a pass that failed, and runs the one that waited', async () => {
    let runs = 0;
    const pass = coalesce(async () => {
      runs++;
      if (runs === 1) throw new Error('refused');
    });
    const first = pass();
    const second = pass();
    await assert.rejects(first, /refused/);
    await second;
    await pass();
    assert.equal(runs, 3);
  });
});
