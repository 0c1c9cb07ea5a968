import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LegacyRulesWatch } from './legacy-rules-watch.ts';
import type { RulesConcern } from './rules-watch.ts';

const BOTH: readonly RulesConcern[] = ['host', 'services'];

/** A kernel with rules as text; a digest over them takes time. */
class Kernel {
  rules: string | undefined = 'abc';
  nowMs = 0;
  digests = 0;
  readonly #digestMs: number;

  constructor(digestMs = 0) {
    this.#digestMs = digestMs;
  }

  watch(): LegacyRulesWatch {
    return new LegacyRulesWatch({
      readSizes: () => this.rules?.length.toString(),
      readDigest: () => {
        this.digests += 1;
        this.nowMs += this.#digestMs;
        return this.rules;
      },
      nowMs: () => this.nowMs,
    });
  }
}

async function settled(kernel: Kernel): Promise<LegacyRulesWatch> {
  const watch = kernel.watch();
  assert.deepEqual([...watch.look()], BOTH, 'all are suspect at the start');
  await watch.reading(BOTH, async () => {});
  assert.deepEqual([...watch.look()], []);
  return watch;
}

describe('LegacyRulesWatch', () => {
  test('look() suspects all when rules came, went or were replaced', async () => {
    for (const rules of ['abcd', 'ab', 'abd', undefined]) {
      const kernel = new Kernel();
      const watch = await settled(kernel);
      kernel.rules = rules;
      assert.deepEqual([...watch.look()], BOTH, rules);
    }
  });

  test('look() takes a digest that takes 240 ms every 12 s, and asks for sizes in between', async () => {
    const kernel = new Kernel(240);
    const watch = await settled(kernel);
    const before = kernel.digests;
    kernel.rules = 'abd';
    kernel.nowMs += 11_000;
    assert.deepEqual([...watch.look()], []);
    assert.equal(kernel.digests, before);
    kernel.nowMs += 1_000;
    assert.deepEqual([...watch.look()], BOTH);
    await watch.reading(BOTH, async () => {});
    kernel.rules = 'abcd';
    assert.deepEqual([...watch.look()], BOTH, 'a rule that came shows at once');
  });

  test('reading() leaves suspect what changed meanwhile, and what could not be read', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    await watch.reading(['services'], async () => {
      kernel.rules = 'abd';
    });
    assert.deepEqual([...watch.look()].sort(), BOTH);
    await watch.reading(BOTH, async () => {});
    const failing = watch.reading(['host'], async () => {
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.deepEqual([...watch.look()], ['host']);
  });

  test('reading() keeps one suspect for whom nothing was read', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    kernel.rules = 'abd';
    await watch.reading(['host'], async () => {});
    assert.deepEqual([...watch.look()], ['services']);
  });

  test('writing() makes nobody suspect, unless it fails', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    await watch.writing(1, async () => {
      kernel.rules = 'abcdef';
      assert.deepEqual([...watch.look()], []);
    });
    assert.deepEqual([...watch.look()], []);
    const failing = watch.writing(1, async () => {
      kernel.rules = 'abcdefg';
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.deepEqual([...watch.look()], BOTH);
  });

  test('writing() leaves suspect what somebody had changed before', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    kernel.rules = 'abcd';
    await watch.writing(1, async () => {
      kernel.rules = 'abcde';
    });
    assert.deepEqual([...watch.look()], BOTH);
  });
});
