import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import fc from 'fast-check';
import { type Column, integer, map, optional, record, sameValue, scalar, set, string, uuid, uuidOf } from './column.ts';
import { columnsOf, readRow, TABLE_NAMES, writeColumns } from './tables.ts';

const PLACE = { table: 'Interface', column: 'options' };
const UUID = uuidOf('550e8400-e29b-41d4-a716-446655440000');

describe('columns', () => {
  // biome-ignore format: one row per line
  const INVALID: readonly { name: string; column: Column<unknown, never>; wire: unknown }[] = [
    { name: 'a number for a string',     column: scalar(string),   wire: 1 },
    { name: 'nothing for a string',      column: scalar(string),   wire: undefined },
    { name: 'a fraction',                column: scalar(integer),  wire: 1.5 },
    { name: 'an integer beyond 2^53',    column: scalar(integer),  wire: 2 ** 53 },
    { name: 'a string for a uuid',       column: scalar(uuid),     wire: UUID },
    { name: 'a uuid of other digits',    column: scalar(uuid),     wire: ['uuid', 'x'] },
    { name: 'two for at most one',       column: optional(string), wire: ['set', ['a', 'b']] },
    { name: 'a set of other things',     column: set(string),      wire: ['set', ['a', 1]] },
    { name: 'a set that is no array',    column: set(string),      wire: ['set', 'a'] },
    { name: 'a set for a map',           column: record(string),   wire: ['set', []] },
    { name: 'a map entry of three',      column: record(string),   wire: ['map', [['a', 'b', 'c']]] },
    { name: 'a map with other keys',     column: map(integer, uuid), wire: ['map', [['1', ['uuid', UUID]]]] },
  ];
  for (const { name, column, wire } of INVALID)
    test(`read() refuses ${name}, naming table and column`, () => {
      assert.throws(
        () => column.read(wire, PLACE),
        (error) => {
          assert.ok(isTenetError(error, 'COLUMN_MALFORMED'));
          assert.match(error.message, /^Interface\.options is /);
          return true;
        },
      );
    });

  test('write() refuses an integer that JSON would round', () => {
    assert.throws(() => scalar(integer).write(2 ** 53), RangeError);
  });

  // RFC 7047 §5.1; a set of one as ovsdb-server 3.1 sends it.
  // biome-ignore format: one row per line
  const VALID: readonly { name: string; column: Column<unknown, never>; wire: unknown; value: unknown }[] = [
    { name: 'a string',             column: scalar(string),     wire: 'br0',                            value: 'br0' },
    { name: 'an uuid',              column: scalar(uuid),       wire: ['uuid', UUID],                   value: UUID },
    { name: 'an empty optional',    column: optional(integer),  wire: ['set', []],                      value: undefined },
    { name: 'a full optional',      column: optional(integer),  wire: 45,                               value: 45 },
    { name: 'a set of one, bare',   column: set(uuid),          wire: ['uuid', UUID],                   value: [UUID] },
    { name: 'a set of two',         column: set(string),        wire: ['set', ['a', 'b']],              value: ['a', 'b'] },
    { name: 'an empty map',         column: record(string),     wire: ['map', []],                      value: {} },
    { name: 'a map',                column: record(integer),    wire: ['map', [['udp_first', 60]]],     value: { udp_first: 60 } },
    { name: 'a map by number',      column: map(integer, uuid), wire: ['map', [[25, ['uuid', UUID]]]],  value: new Map([[25, UUID]]) },
  ];
  for (const { name, column, wire, value } of VALID)
    test(`read() gives ${name}`, () => assert.deepEqual(column.read(wire, PLACE), value));

  test('write() refers to a row of the same transaction by its name', () => {
    assert.deepEqual(set(uuid).write([{ named: 'port' }, UUID]), [
      'set',
      [
        ['named-uuid', 'port'],
        ['uuid', UUID],
      ],
    ]);
  });

  const uuids = fc.uuid().map(uuidOf);
  function roundTrips<T>(column: Column<T, T>, values: fc.Arbitrary<T>): void {
    const property = fc.property(values, (value) => {
      const wire: unknown = JSON.parse(JSON.stringify(column.write(value)));
      assert.ok(sameValue(column.read(wire, PLACE), value));
    });
    fc.assert(property);
  }
  test('read() gives back what write() wrote, for values of every form', () => {
    roundTrips(scalar(string), fc.string());
    roundTrips(scalar(integer), fc.maxSafeInteger());
    roundTrips<string | undefined>(optional(string), fc.option(fc.string(), { nil: undefined }));
    roundTrips(set(string), fc.uniqueArray(fc.string()));
    roundTrips(record(string), fc.dictionary(fc.string(), fc.string()));
    const byNumber = fc.uniqueArray(fc.tuple(fc.nat(65_535), uuids), { selector: ([zone]) => zone });
    roundTrips(
      map(integer, uuid) as Column<ReadonlyMap<number, string>>,
      byNumber.map((entries) => new Map(entries)),
    );
  });

  test('read() answers a value or COLUMN_MALFORMED for any JSON', () => {
    const columns = TABLE_NAMES.flatMap((table) => columnsOf(table));
    const tagged = fc.tuple(fc.constantFrom('set', 'map', 'uuid'), fc.jsonValue());
    const property = fc.property(fc.constantFrom(...columns), fc.oneof(tagged, fc.jsonValue()), ([, column], wire) => {
      try {
        column.read(wire, PLACE);
      } catch (error) {
        assert.ok(isTenetError(error, 'COLUMN_MALFORMED'), String(error));
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

describe('sameValue()', () => {
  // biome-ignore format: one row per line
  const ROWS: readonly [unknown, unknown, boolean][] = [
    [undefined, undefined, true],   [1, '1', false],               [['a', 'b'], ['b', 'a'], true],
    [['a'], ['a', 'b'], false],     [{ a: '1' }, { a: '1' }, true], [{ a: '1' }, { a: '2' }, false],
    [{ a: '1' }, { b: '1' }, false], [new Map([[1, 'x']]), new Map([[1, 'x']]), true], [new Map(), [], false],
  ];
  for (const [a, b, expected] of ROWS)
    test(`sameValue() is ${expected} when it compares ${JSON.stringify(a)} with ${JSON.stringify(b)}`, () => {
      assert.equal(sameValue(a, b), expected);
      assert.equal(sameValue(b, a), expected);
    });
});

describe('rows', () => {
  test('uuidOf() refuses what is not a uuid', () => {
    for (const text of ['', 'br0', UUID.toUpperCase()]) assert.throws(() => uuidOf(text), TypeError);
  });

  test('readRow() refuses a row that lacks a column', () => {
    assert.throws(() => readRow('CT_Zone', UUID, { external_ids: ['map', []] }), { code: 'COLUMN_MALFORMED' });
    assert.throws(() => readRow('CT_Zone', UUID, []), { code: 'COLUMN_MALFORMED' });
  });

  test('readRow() gives back what writeColumns() wrote, with the uuid', () => {
    const values = { name: 'pod45', interfaces: [UUID], tag: undefined, other_config: {}, external_ids: { a: 'b' } };
    assert.deepEqual(readRow('Port', UUID, writeColumns('Port', values)), { _uuid: UUID, ...values });
  });

  test('writeColumns() writes only the columns it is given', () => {
    assert.deepEqual(writeColumns('Interface', { mac: undefined, type: 'internal' }), {
      type: 'internal',
      mac: ['set', []],
    });
    // @ts-expect-error an interface has no column of this name
    assert.deepEqual(writeColumns('Interface', { mtu_requested: 1450 }), {});
  });
});
