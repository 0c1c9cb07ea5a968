/** What a row should say, and the operations that make it say so without touching what others wrote into it. */
import { type Column, sameValue, type Uuid } from './column.ts';
import type { Condition, Mutation, Operation, WireRow, WireValue } from './operation.ts';
import { columnsOf, type Row, type TableName, type Tables, type Values, writeColumns } from './tables.ts';

/**
 * The columns we care for. Records are wished key by key: a key with a value is set, one that is `undefined` is
 * removed, all others are left to whoever wrote them. Other columns are set as a whole, `undefined` empties.
 */
export type Wish<N extends TableName> = {
  readonly [C in keyof Tables[N]]?: Tables[N][C] extends Column<Readonly<Record<string, infer V>>, never>
    ? Readonly<Record<string, V | undefined>>
    : C extends keyof Values<N>
      ? Values<N>[C]
      : never;
};

/** Operations that bring `row` to the wish: none when it is there already. */
export function alterRow<N extends TableName>(table: N, row: Row<N>, wish: Wish<N>): readonly Operation[] {
  const wished: Readonly<Record<string, unknown>> = wish;
  const actual: Readonly<Record<string, unknown>> = row;
  const update: Record<string, WireValue> = {};
  const mutations: Mutation[] = [];
  for (const [name, column] of columnsOf(table)) {
    if (!(name in wished)) continue;
    if (column.form === 'record')
      mutations.push(...alterRecord(name, column, entriesOf(actual[name]), entriesOf(wished[name])));
    else if (!sameValue(actual[name], wished[name])) update[name] = column.write(wished[name]);
  }
  const where = [isRow(row._uuid)];
  return [
    ...(Object.keys(update).length === 0 ? [] : [{ op: 'update', table, where, row: update } as const]),
    ...(mutations.length === 0 ? [] : [{ op: 'mutate', table, where, mutations } as const]),
  ];
}

/** The columns of a new row that is as wished. */
export function newRow<N extends TableName>(table: N, wish: Wish<N>): WireRow {
  const values = Object.fromEntries(
    Object.entries<unknown>(wish).map(([name, value]) => {
      const isRecordColumn = columnsOf(table).some(([column, { form }]) => column === name && form === 'record');
      return [name, isRecordColumn ? Object.fromEntries(present(entriesOf(value))) : value];
    }),
  );
  // Without its undefined keys a wish is what may be written.
  return writeColumns(table, values as Values<N>);
}

/** Makes the transaction fail with "timed out" unless the row is still there and its columns are what we saw. */
export function stillThere<N extends TableName>(table: N, uuid: Uuid, seen: Values<N>): Operation {
  const row = writeColumns(table, seen);
  return { op: 'wait', table, where: [isRow(uuid)], columns: Object.keys(row), until: '==', rows: [row], timeout: 0 };
}

/** The condition that picks one row. */
export function isRow(uuid: Uuid): Condition {
  return ['_uuid', '==', ['uuid', uuid]];
}

function alterRecord(
  name: string,
  column: Column<unknown, unknown>,
  actual: ReadonlyMap<string, unknown>,
  wished: ReadonlyMap<string, unknown>,
): readonly Mutation[] {
  const removed = [...wished.keys()].filter((key) => actual.has(key) && actual.get(key) !== wished.get(key));
  const added = present(wished).filter(([key, value]) => actual.get(key) !== value);
  // "insert" leaves a key alone that is there (RFC 7047 §5.1), so a changed one is deleted first.
  return [
    ...(removed.length === 0 ? [] : [[name, 'delete', ['set', removed]] as const]),
    ...(added.length === 0 ? [] : [[name, 'insert', column.write(Object.fromEntries(added))] as const]),
  ];
}

function present(entries: ReadonlyMap<string, unknown>): [string, unknown][] {
  return [...entries].filter(([, value]) => value !== undefined);
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(value ?? {}));
}
