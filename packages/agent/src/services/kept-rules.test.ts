import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProxiedPort, RulesPiece, RulesPlanner } from '@tenet/proxy';
import { settled } from '../../testing/manual-clock.ts';
import { Turns } from '../host/turns.ts';
import { KeptRules } from './kept-rules.ts';
import type { RulesAccess } from './rules-access.ts';

type Ports = ReadonlyMap<string, ProxiedPort>;

/** Ports of which only the names matter. */
function portsOf(...names: readonly string[]): Ports {
  return new Map(names.map((name) => [name, {} as ProxiedPort]));
}

/** A kernel that holds names, and a back end that adds and removes one name a piece. */
class Kernel implements RulesAccess, RulesPlanner {
  readonly backEnd = 'iptables';
  readonly installed = new Set<string>();
  readonly writes: string[] = [];
  nowMs = 0;
  readings = 0;
  foreign = 0;
  isTouched = false;
  /** How long a reading takes. */
  readMs = 0;
  /** Something was written while a glance was under way. */
  isOvertaken = false;
  /** Called before each reading, and may throw. */
  beforeRead: () => void = () => {};
  /** Called before each write, and may throw. */
  beforeWrite: (text: string) => void = () => {};
  readonly #turns = new Turns();
  #known: Set<string> | undefined;
  #reader: ((installed: string) => void) | undefined;
  #next: RulesPiece[] = [];

  keeper(): KeptRules {
    return new KeptRules({
      access: this,
      planner: this,
      nowMs: () => this.nowMs,
      onForeign: () => {
        this.foreign += 1;
      },
    });
  }

  /** Somebody else changes the rules. */
  touch(change: () => void): void {
    change();
    this.isTouched = true;
  }

  /** Whether the last one to read said that he knew the rest. */
  wasRestKnown: boolean | undefined;

  /** All rules are read, for whatever reason. */
  read({ isRestKnown = false } = {}): Promise<void> {
    this.wasRestKnown = isRestKnown;
    return this.#turns.take(async () => {
      this.isTouched = false;
      this.#reader?.(this.#read());
    });
  }

  async glance(): Promise<void> {
    const installed = this.#read();
    await this.#turns.take(async () => {
      if (!this.isOvertaken) this.#reader?.(installed);
      this.isOvertaken = false;
    });
  }

  isSuspect(): boolean {
    return this.isTouched;
  }

  onRead(reader: (installed: string) => void): Disposable {
    this.#reader = reader;
    return {
      [Symbol.dispose]: () => {
        this.#reader = undefined;
      },
    };
  }

  turn<T>(work: (write: (text: string) => Promise<void>) => Promise<T>): Promise<T> {
    return this.#turns.take(() => work(async (text) => this.#write(text)));
  }

  get isKnown(): boolean {
    return this.#known !== undefined;
  }

  observe(installed: string): boolean {
    const seen = new Set(installed.split(',').filter(Boolean));
    const isSame = this.#known !== undefined && seen.symmetricDifference(this.#known).size === 0;
    this.#known = seen;
    return isSame;
  }

  plan(ports: Ports): readonly RulesPiece[] {
    if (this.#known === undefined) throw new RangeError('not known');
    const names = new Set(ports.keys());
    this.#next = [
      ...[...names.difference(this.#known)].map((name) => ({ text: `+${name}`, added: 1, removed: 0 })),
      ...[...this.#known.difference(names)].map((name) => ({ text: `-${name}`, added: 0, removed: 1 })),
    ];
    return [...this.#next];
  }

  applied(piece: RulesPiece): void {
    assert.equal(this.#next.shift(), piece, 'pieces come in order');
    if (piece.added > 0) this.#known?.add(piece.text.slice(1));
    else this.#known?.delete(piece.text.slice(1));
  }

  failed(): void {
    this.#known = undefined;
  }

  [Symbol.dispose](): void {}

  #read(): string {
    this.beforeRead();
    this.readings += 1;
    this.nowMs += this.readMs;
    return [...this.installed].join();
  }

  #write(text: string): void {
    this.beforeWrite(text);
    this.writes.push(text);
    if (text.startsWith('+')) this.installed.add(text.slice(1));
    else this.installed.delete(text.slice(1));
  }
}

const signal = AbortSignal.timeout(60_000);

/** One that has brought `a` and `b` into the kernel. */
async function kept() {
  const kernel = new Kernel();
  const rules = kernel.keeper();
  const ports = portsOf('a', 'b');
  assert.equal(rules.isKept(ports), false);
  assert.deepEqual(await rules.keep(ports, signal), { isFull: true, pieces: 2, added: 2, removed: 0 });
  assert.equal(rules.isKept(ports), true);
  kernel.writes.length = 0;
  return { kernel, rules, ports };
}

describe('KeptRules', () => {
  test('keep() reads once, and then writes what ports ask for that changed', async () => {
    const { kernel, rules } = await kept();
    const ports = portsOf('b', 'c');
    assert.equal(rules.isKept(ports), false);
    assert.deepEqual(await rules.keep(ports, signal), { isFull: false, pieces: 2, added: 1, removed: 1 });
    assert.deepEqual([kernel.readings, kernel.writes], [1, ['+c', '-a']]);
  });

  test('keep() writes nothing where all is there already', async () => {
    const kernel = new Kernel();
    kernel.installed.add('a');
    const { pieces } = await kernel.keeper().keep(portsOf('a'), signal);
    assert.deepEqual([pieces, kernel.readings, kernel.writes, kernel.foreign], [0, 1, [], 0]);
  });

  test('keep() reads again and mends when others have touched the rules', async () => {
    const { kernel, rules, ports } = await kept();
    kernel.touch(() => kernel.installed.clear());
    assert.equal(rules.isKept(ports), false);
    assert.deepEqual(await rules.keep(ports, signal), { isFull: true, pieces: 2, added: 2, removed: 0 });
    assert.deepEqual([...kernel.installed], ['a', 'b']);
    assert.deepEqual([kernel.readings, kernel.foreign, kernel.wasRestKnown], [2, 1, true]);
  });

  test('keep() takes touched rules for right when they are', async () => {
    const { kernel, rules, ports } = await kept();
    kernel.touch(() => {});
    const { isFull, pieces } = await rules.keep(ports, signal);
    assert.deepEqual([isFull, pieces, kernel.foreign], [false, 0, 0]);
    assert.equal(rules.isKept(ports), true);
  });

  test('isKept() notices what somebody else has read', async () => {
    const { kernel, rules, ports } = await kept();
    kernel.installed.delete('a');
    await kernel.read();
    assert.equal(kernel.foreign, 1);
    assert.equal(rules.isKept(ports), false);
    await rules.keep(ports, signal);
    assert.deepEqual(kernel.writes, ['+a']);
    assert.equal(kernel.readings, 2);
  });

  test('keep() plans anew when somebody has read between two pieces', async () => {
    const { kernel, rules } = await kept();
    let isFirst = true;
    kernel.beforeWrite = () => {
      // Somebody waits for his turn, and finds another rule gone.
      if (!isFirst) return;
      isFirst = false;
      kernel.installed.delete('a');
      void kernel.read();
    };
    const ports = portsOf('a', 'b', 'c', 'd');
    await rules.keep(ports, signal);
    assert.deepEqual([...kernel.installed].sort(), ['a', 'b', 'c', 'd']);
    assert.equal(rules.isKept(ports), true);
  });

  test('keep() knows nothing any more when a piece has failed, and reads before it writes again', async () => {
    const { kernel, rules } = await kept();
    kernel.beforeWrite = (text) => {
      if (text === '+d') throw new Error('refused');
    };
    const ports = portsOf('a', 'b', 'c', 'd');
    await assert.rejects(rules.keep(ports, signal), /refused/);
    assert.deepEqual(kernel.writes, ['+c']);
    assert.equal(rules.isKept(ports), false);
    kernel.beforeWrite = () => {};
    await rules.keep(ports, signal);
    assert.deepEqual([kernel.readings, kernel.writes, kernel.wasRestKnown], [2, ['+c', '+d'], false]);
  });

  test('keep() stops between two pieces when told to', async () => {
    const kernel = new Kernel();
    const stop = new AbortController();
    kernel.beforeWrite = () => stop.abort(new Error('enough'));
    await assert.rejects(kernel.keeper().keep(portsOf('a', 'b'), stop.signal), /enough/);
    assert.deepEqual(kernel.writes, ['+a']);
  });

  test('verify() reads each minute, or less often where readings are dear, and nobody waits for it', async () => {
    for (const [readMs, trustedMs] of [
      [10, 60_000],
      [1_500, 300_000],
    ] as const) {
      const kernel = new Kernel();
      kernel.readMs = readMs;
      const rules = kernel.keeper();
      const ports = portsOf('a');
      await rules.keep(ports, signal);
      kernel.installed.clear();
      kernel.nowMs += trustedMs - 1;
      rules.verify(signal);
      await settled();
      assert.equal(rules.isKept(ports), true);
      kernel.nowMs += 1;
      rules.verify(signal);
      rules.verify(signal);
      assert.equal(rules.isKept(ports), true, 'as long as nothing is known');
      await settled();
      assert.equal(rules.isKept(ports), false);
      assert.deepEqual([kernel.readings, kernel.foreign], [2, 1]);
      await rules.keep(ports, signal);
      assert.deepEqual([...kernel.installed], ['a']);
    }
  });

  test('verify() takes no notice of what it read while something was written, and reads again after a minute', async () => {
    const { kernel, rules } = await kept();
    kernel.nowMs += 60_000;
    rules.verify(signal);
    kernel.isOvertaken = true;
    const ports = portsOf('b', 'c');
    await rules.keep(ports, signal);
    await settled();
    assert.deepEqual([rules.isKept(ports), kernel.readings], [true, 2]);
    rules.verify(signal);
    await settled();
    assert.equal(kernel.readings, 2);
    kernel.nowMs += 60_000;
    rules.verify(signal);
    await settled();
    assert.equal(kernel.readings, 3);
  });

  test('verify() throws once when the last reading of its own failed', async () => {
    const { kernel, rules } = await kept();
    kernel.nowMs += 60_000;
    kernel.beforeRead = () => {
      throw new Error('unreadable');
    };
    rules.verify(signal);
    await settled();
    assert.throws(() => rules.verify(signal), /unreadable/);
    rules.verify(signal);
  });

  test('isKept() wants dear readings at most a fourth of the time, however often others touch the rules', async () => {
    const kernel = new Kernel();
    kernel.readMs = 1_000;
    const rules = kernel.keeper();
    const ports = portsOf('a');
    await rules.keep(ports, signal);
    kernel.touch(() => kernel.installed.clear());
    kernel.nowMs += 2_999;
    assert.equal(rules.isKept(ports), true);
    kernel.nowMs += 1;
    assert.equal(rules.isKept(ports), false);
  });
});
