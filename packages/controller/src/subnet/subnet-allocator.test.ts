import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterRange } from '@tenet/model';
import { Prefix } from '@tenet/std';
import fc from 'fast-check';
import { SubnetAllocator } from './subnet-allocator.ts';

const range = (cidr: string, hostBits: number): ClusterRange => ({ cidr: Prefix.parse(cidr), hostBits });

const take = (allocator: SubnetAllocator, count: number): string[] =>
  Array.from({ length: count }, (_, at) => String(allocator.allocate(`n${at}`)));

describe('SubnetAllocator', () => {
  test('allocate() gives undefined once the only subnet is taken', () => {
    const allocator = new SubnetAllocator([range('10.1.0.0/16', 16)]);
    assert.deepEqual(take(allocator, 3), ['10.1.0.0/16', 'undefined', 'undefined']);
  });

  test('allocate() gives all 256 in order, then undefined', () => {
    const allocator = new SubnetAllocator([range('10.1.0.0/16', 8)]);
    const expected = Array.from({ length: 256 }, (_, n) => `10.1.${n}.0/24`);
    assert.deepEqual(take(allocator, 257), [...expected, 'undefined']);
  });

  test('allocate() goes on from its cursor and wraps to the first free one', () => {
    const ranges = [range('10.1.0.0/16', 6)];
    const allocator = new SubnetAllocator(ranges, [1023]);
    allocator.claim(Prefix.parse('10.1.0.0/26'), 'other');
    assert.deepEqual(take(allocator, 2), ['10.1.255.192/26', '10.1.1.0/26']);
    assert.deepEqual(allocator.cursors, [2]);
  });

  test('allocate() reuses what the first range got back before anything of the second', () => {
    const ranges = [range('10.1.0.0/16', 14), range('10.2.0.0/16', 14)];
    const full = new SubnetAllocator(ranges);
    assert.deepEqual(take(full, 5), ['10.1.0.0/18', '10.1.64.0/18', '10.1.128.0/18', '10.1.192.0/18', '10.2.0.0/18']);
    const rebuilt = new SubnetAllocator(ranges, full.cursors);
    for (const kept of ['10.1.0.0/18', '10.1.64.0/18', '10.1.192.0/18', '10.2.0.0/18']) {
      rebuilt.claim(Prefix.parse(kept), 'kept');
    }
    assert.deepEqual(take(rebuilt, 2), ['10.1.128.0/18', '10.2.64.0/18']);
  });

  test('allocate() steps around subnets of other lengths', () => {
    const allocator = new SubnetAllocator([range('10.1.0.0/16', 8)]);
    allocator.claim(Prefix.parse('10.1.0.0/22'), 'wide');
    allocator.claim(Prefix.parse('10.1.5.128/25'), 'narrow');
    assert.deepEqual(take(allocator, 2), ['10.1.4.0/24', '10.1.6.0/24']);
  });

  test('allocate() knows at once that a range is full', () => {
    const allocator = new SubnetAllocator([range('10.0.0.0/8', 2)]);
    allocator.claim(Prefix.parse('10.0.0.0/8'), 'all');
    assert.equal(allocator.allocate('n'), undefined);
  });

  test('isInside() wants one range to hold the whole subnet', () => {
    const allocator = new SubnetAllocator([range('10.2.0.0/16', 8), range('10.3.0.0/16', 8)]);
    assert.equal(allocator.isInside(Prefix.parse('10.4.0.0/24')), false);
    assert.equal(allocator.isInside(Prefix.parse('10.2.0.0/15')), false);
    assert.equal(allocator.isInside(Prefix.parse('10.3.255.0/24')), true);
  });
});

/** What the objects of a cluster say: the truth that each allocator is rebuilt from. */
interface Objects {
  readonly held: Map<string, Prefix>;
}

/** What is under test: one allocator for many passes, or a new one for each, as after a restart. */
interface Passes {
  cursors: readonly number[];
}

const RANGES = [range('10.1.0.0/27', 2), range('10.2.0.0/28', 3)];
const CAPACITY = 8 + 2;

function rebuild({ held }: Objects, cursors: readonly number[]): SubnetAllocator {
  const allocator = new SubnetAllocator(RANGES, cursors);
  for (const [owner, subnet] of held) assert.deepEqual(allocator.claim(subnet, owner), []);
  return allocator;
}

/** Allocates for some nodes in one pass, and checks all that must hold of it. */
class AllocateCommand implements fc.Command<Objects, Passes> {
  readonly names: readonly string[];
  constructor(names: readonly string[]) {
    this.names = names;
  }
  check = () => true;
  run(objects: Objects, passes: Passes): void {
    const allocator = rebuild(objects, passes.cursors);
    for (const name of this.names.filter((wanted) => !objects.held.has(wanted))) {
      const subnet = allocator.allocate(name);
      if (subnet === undefined) {
        assert.equal(objects.held.size, CAPACITY);
        continue;
      }
      for (const other of objects.held.values()) assert(!subnet.overlaps(other));
      assert(allocator.isInside(subnet));
      objects.held.set(name, subnet);
    }
    passes.cursors = allocator.cursors;
  }
  toString = () => `allocate(${this.names})`;
}

/** A node goes: what it had must be available again. */
class ReleaseCommand implements fc.Command<Objects, Passes> {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  check = ({ held }: Readonly<Objects>) => held.has(this.name);
  run(objects: Objects, passes: Passes): void {
    const subnet = objects.held.get(this.name);
    objects.held.delete(this.name);
    const allocator = rebuild(objects, passes.cursors);
    const rest = new Set<string>();
    for (let next = allocator.allocate('rest'); next !== undefined; next = allocator.allocate('rest')) {
      rest.add(next.toString());
    }
    assert(rest.has(String(subnet)));
    assert.equal(rest.size + objects.held.size, CAPACITY);
  }
  toString = () => `release(${this.name})`;
}

/** The process starts anew: nothing but the objects is left. */
class RestartCommand implements fc.Command<Objects, Passes> {
  check = () => true;
  run(_: Objects, passes: Passes): void {
    passes.cursors = [];
  }
  toString = () => 'restart()';
}

test('SubnetAllocator never has two owners, never overlaps and never loses a subnet, whatever happens', () => {
  const name = fc.constantFrom(...Array.from({ length: 14 }, (_, at) => `n${at}`));
  const commands = fc.commands(
    [
      fc.uniqueArray(name, { maxLength: 6 }).map((names) => new AllocateCommand(names)),
      name.map((one) => new ReleaseCommand(one)),
      fc.constant(new RestartCommand()),
    ],
    { maxCommands: 40 },
  );
  fc.assert(
    fc.property(commands, (steps) => fc.modelRun(() => ({ model: { held: new Map() }, real: { cursors: [] } }), steps)),
  );
});
