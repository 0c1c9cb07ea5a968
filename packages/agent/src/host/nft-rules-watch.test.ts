import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NftChange } from '@tenet/host';
import { NftRulesWatch } from './nft-rules-watch.ts';
import type { RulesConcern } from './rules-watch.ts';

/** A kernel that counts commits, and tells of each when it is asked, or later. */
class Kernel {
  generation: number;
  saysGeneration = true;
  told: NftChange[] | undefined = [];
  #late: NftChange[] = [];

  constructor(generation = 5) {
    this.generation = generation;
  }

  /** Somebody commits changes of these chains. */
  commit(...chains: readonly string[]): void {
    this.generation = (this.generation + 1) % 2 ** 32;
    this.told?.push(...this.#changes(chains));
  }

  /** The same, but that it is told only when `tell` is called: its number is visible before. */
  commitQuietly(...chains: readonly string[]): void {
    this.generation = (this.generation + 1) % 2 ** 32;
    this.#late.push(...this.#changes(chains));
  }

  tell(): void {
    this.told?.push(...this.#late);
    this.#late = [];
  }

  watch(): NftRulesWatch {
    return new NftRulesWatch({
      readGeneration: () => (this.saysGeneration ? this.generation : undefined),
      news: {
        take: () => {
          const { told } = this;
          this.told = [];
          return told;
        },
        [Symbol.dispose]() {},
      },
      concernsOf: ({ chain = '' }) => CONCERNS[chain] ?? [],
    });
  }

  #changes(chains: readonly string[]): NftChange[] {
    return chains.map((chain) => ({ generation: this.generation, family: 2, table: 'nat', chain }));
  }
}

const CONCERNS: Readonly<Record<string, readonly RulesConcern[]>> = { HOST: ['host'], SERVICES: ['services'] };
const BOTH: readonly RulesConcern[] = ['host', 'services'];

/** One that has read everything. */
async function settled(kernel: Kernel): Promise<NftRulesWatch> {
  const watch = kernel.watch();
  assert.deepEqual([...watch.look()], BOTH, 'all are suspect at the start');
  await watch.reading(BOTH, async () => {});
  assert.deepEqual([...watch.look()], []);
  return watch;
}

describe('NftRulesWatch', () => {
  test('look() suspects whose chains somebody has changed, and nobody for chains of others', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    kernel.commit('OTHERS');
    assert.deepEqual([...watch.look()], []);
    kernel.commit('OTHERS', 'HOST');
    assert.deepEqual([...watch.look()], ['host']);
    kernel.commit('SERVICES');
    assert.deepEqual([...watch.look()], BOTH);
    await watch.reading(['host'], async () => {});
    assert.deepEqual([...watch.look()], ['services']);
  });

  test('look() suspects all when there was more than could be told, or the kernel tells no generation', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    kernel.told = undefined;
    assert.deepEqual([...watch.look()], BOTH);
    await watch.reading(BOTH, async () => {});
    kernel.saysGeneration = false;
    assert.deepEqual([...watch.look()], BOTH);
  });

  test('reading() is told which chains of services others have changed, as far as that is known', async () => {
    const kernel = new Kernel();
    const watch = kernel.watch();
    const told = async (concerns = BOTH) =>
      await watch.reading(concerns, async (touched) => touched?.map(({ table, chain }) => `${table} ${chain}`));
    assert.equal(await told(), undefined, 'anything, before the first');
    assert.deepEqual(await told(), []);
    kernel.commit('SERVICES', 'HOST', 'OTHERS');
    assert.deepEqual(await told(['host']), ['nat SERVICES']);
    assert.deepEqual(await told(), ['nat SERVICES'], 'only who reads those of services has read them');
    assert.deepEqual(await told(), []);
    await watch.writing(1, async () => kernel.commit('SERVICES'));
    assert.deepEqual(await told(), [], 'ours are not of others');
    kernel.told = undefined;
    assert.equal(await told(), undefined, 'anything, when it was too much');
    await assert.rejects(
      watch.writing(1, async () => {
        throw new Error('no');
      }),
      /no/,
    );
    assert.equal(await told(), undefined, 'anything, when a write has failed');
    const failing = watch.reading(BOTH, async () => {
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.equal(await told(), undefined, 'anything, when a reading has failed');
  });

  test('reading() leaves suspect what changed meanwhile, and what could not be read', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    kernel.commit('HOST', 'SERVICES');
    await watch.reading(BOTH, async () => kernel.commit('SERVICES'));
    assert.deepEqual([...watch.look()], ['services']);
    const failing = watch.reading(BOTH, async () => {
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.deepEqual([...watch.look()].sort(), BOTH);
  });

  test('writing() makes nobody suspect of what it commits itself, also when the numbers begin again', async () => {
    const kernel = new Kernel(2 ** 32 - 1);
    const watch = await settled(kernel);
    await watch.writing(2, async () => {
      kernel.commit('HOST', 'SERVICES');
      assert.deepEqual([...watch.look()], [], 'a look meanwhile takes ours for ours');
      kernel.commit('SERVICES');
    });
    assert.equal(kernel.generation, 1);
    assert.deepEqual([...watch.look()], []);
  });

  test('writing() makes nobody suspect of more than can be told, when nobody else committed', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    await watch.writing(1, async () => {
      kernel.commit('SERVICES');
      kernel.told = undefined;
    });
    assert.deepEqual([...watch.look()], []);
  });

  test('writing() suspects when somebody else committed meanwhile, right before or right behind', async () => {
    for (const order of [
      ['OTHERS', 'SERVICES'],
      ['SERVICES', 'OTHERS'],
    ]) {
      const kernel = new Kernel();
      const watch = await settled(kernel);
      await watch.writing(1, async () => {
        for (const chain of order) kernel.commit(chain);
      });
      assert.deepEqual([...watch.look()], ['services']);
    }
    const kernel = new Kernel();
    const watch = await settled(kernel);
    await watch.writing(1, async () => kernel.commit('SERVICES'));
    kernel.commit('HOST');
    assert.deepEqual([...watch.look()], ['host']);
  });

  test('writing() suspects of what was committed before it and is told only behind it', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    kernel.commitQuietly('HOST');
    await watch.writing(1, async () => {
      kernel.tell();
      kernel.commit('SERVICES');
    });
    assert.deepEqual([...watch.look()], ['host']);
  });

  test('writing() suspects all when it fails, since it may have committed in part', async () => {
    const kernel = new Kernel();
    const watch = await settled(kernel);
    const failing = watch.writing(2, async () => {
      kernel.commit('SERVICES');
      throw new Error('the second table failed');
    });
    await assert.rejects(failing, /second table/);
    assert.deepEqual([...watch.look()], BOTH);
  });
});
