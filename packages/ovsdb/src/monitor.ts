/** What a monitor tells (RFC 7047 §4.1.5, §4.1.6), turned into rows: `Replica` is the database as last told. */
import { sameValue, type Uuid, uuidOf } from './column.ts';
import { ovsdbError } from './errors.ts';
import { isRecord, shortJson } from './json.ts';
import { columnNames, type Row, readRow, TABLE_NAMES, type TableName } from './tables.ts';

/** One row that appeared (`before` undefined), changed, or vanished (`after` undefined). */
export type RowChange = { readonly [N in TableName]: TableChange<N> }[TableName];
export interface TableChange<N extends TableName> {
  readonly table: N;
  readonly uuid: Uuid;
  readonly before: Row<N> | undefined;
  readonly after: Row<N> | undefined;
}

/** The rows of each table. */
export type Rows = { readonly [N in TableName]: ReadonlyMap<Uuid, Row<N>> };

/** `<monitor-requests>`: every column of every table of ours. */
export function monitorRequests(): Readonly<Record<string, { readonly columns: readonly string[] }>> {
  return Object.fromEntries(TABLE_NAMES.map((table) => [table, { columns: columnNames(table) }]));
}

/** Reads `<table-updates>`: for each row its new state, or undefined when it is gone. COLUMN_MALFORMED otherwise. */
export function readUpdates(wire: unknown): readonly RowState[] {
  return TABLE_NAMES.flatMap((table) => readTable(table, field(wire, table)));
}

/** A row as a monitor tells it. */
export interface RowState {
  readonly table: TableName;
  readonly uuid: Uuid;
  readonly row: Row<TableName> | undefined;
}

function readTable(table: TableName, wire: unknown): readonly RowState[] {
  if (wire === undefined) return [];
  if (!isRecord(wire)) throw malformed(table, wire);
  return Object.entries(wire).map(([text, update]) => {
    const uuid = uuidOf(text);
    const now = field(update, 'new');
    return { table, uuid, row: now === undefined ? undefined : readRow(table, uuid, now) };
  });
}

function field(wire: unknown, name: string): unknown {
  if (!isRecord(wire)) throw malformed(name, wire);
  return wire[name];
}

function malformed(table: string, wire: unknown) {
  return ovsdbError('COLUMN_MALFORMED', { table, column: '*', expected: 'a table update', value: shortJson(wire) });
}

/** The rows as last told, and what each telling changed. */
export class Replica {
  readonly #rows = emptyRows();

  get rows(): Rows {
    return this.#rows;
  }

  /** Follows one update; answers what it changed, which is nothing for news that we had. */
  apply(states: readonly RowState[]): readonly RowChange[] {
    return states.flatMap((state) => this.#put(state));
  }

  /** Follows a new monitor's first answer, which is the whole database: what it does not name is gone. */
  replace(states: readonly RowState[]): readonly RowChange[] {
    const told = new Set(states.map(({ table, uuid }) => `${table} ${uuid}`));
    const gone = TABLE_NAMES.flatMap((table) =>
      [...this.#rows[table].keys()]
        .filter((uuid) => !told.has(`${table} ${uuid}`))
        .map((uuid): RowState => ({ table, uuid, row: undefined })),
    );
    return this.apply([...gone, ...states]);
  }

  #put({ table, uuid, row }: RowState): readonly RowChange[] {
    const rows: Map<Uuid, Row<TableName>> = this.#rows[table];
    const before = rows.get(uuid);
    // An equal row keeps its object, so that whoever holds one may compare by identity.
    if (row === before || (row !== undefined && before !== undefined && sameRow(before, row))) return [];
    if (row === undefined) rows.delete(uuid);
    else rows.set(uuid, row);
    // `readRow` made `row` a row of `table`; TypeScript cannot carry that through the union.
    return [{ table, uuid, before, after: row } as RowChange];
  }
}

type MutableRows = { readonly [N in TableName]: Map<Uuid, Row<N>> };

function emptyRows(): MutableRows {
  return {
    Open_vSwitch: new Map(),
    Bridge: new Map(),
    Port: new Map(),
    Interface: new Map(),
    Datapath: new Map(),
    CT_Zone: new Map(),
    CT_Timeout_Policy: new Map(),
    Mirror: new Map(),
  };
}

function sameRow(a: Row<TableName>, b: Row<TableName>): boolean {
  const values: Readonly<Record<string, unknown>> = { ...b };
  return Object.entries(a).every(([column, value]) => sameValue(value, values[column]));
}
