/** The tables and columns of Open_vSwitch that Tenet uses (ovs-vswitchd.conf.db(5), schema 8.3), and their rows. */
import { type Column, integer, map, optional, record, scalar, set, string, type Uuid, uuid } from './column.ts';
import { ovsdbError } from './errors.ts';
import { isRecord, shortJson } from './json.ts';
import type { WireRow, WireValue } from './operation.ts';

/** The one list: types, conversions, the monitor and the replica derive from it. */
// biome-ignore format: columns are the documentation
export const TABLES = {
  Open_vSwitch: {
    bridges: set(uuid),           datapaths: map(string, uuid),     datapath_types: set(string),
    next_cfg: scalar(integer),    cur_cfg: scalar(integer),         ovs_version: optional(string),
    other_config: record(string), external_ids: record(string),
  },
  Bridge: {
    name: scalar(string),         ports: set(uuid),                 datapath_type: scalar(string),
    datapath_id: optional(string), fail_mode: optional(string),     protocols: set(string),
    other_config: record(string), external_ids: record(string),
  },
  Port: {
    name: scalar(string),         interfaces: set(uuid),            tag: optional(integer),
    other_config: record(string), external_ids: record(string),
  },
  Interface: {
    name: scalar(string),         type: scalar(string),             options: record(string),
    ofport: optional(integer),    ofport_request: optional(integer), ifindex: optional(integer),
    mac: optional(string),        mac_in_use: optional(string),     error: optional(string),
    mtu: optional(integer),       mtu_request: optional(integer),   admin_state: optional(string),
    link_state: optional(string), other_config: record(string),     external_ids: record(string),
  },
  Datapath: {
    datapath_version: scalar(string), ct_zones: map(integer, uuid),
    capabilities: record(string), external_ids: record(string),
  },
  CT_Zone: { timeout_policy: optional(uuid), external_ids: record(string) },
  CT_Timeout_Policy: { timeouts: record(integer), external_ids: record(string) },
  Mirror: { name: scalar(string), output_port: optional(uuid) },
} as const;

export type Tables = typeof TABLES;
export type TableName = keyof Tables;
/** One row, its columns named as in the schema. */
export type Row<N extends TableName> = { readonly _uuid: Uuid } & {
  readonly [C in keyof Tables[N]]: Tables[N][C] extends Column<infer T, never> ? T : never;
};
/** Values to write: those present, `undefined` empties an optional column. */
export type Values<N extends TableName> = {
  readonly [C in keyof Tables[N]]?: Tables[N][C] extends { write(value: infer W): unknown } ? W : never;
};

export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

/** The names of a table's columns. */
export function columnNames(table: TableName): readonly string[] {
  return Object.keys(TABLES[table]);
}

/** Reads a row of a monitor or select that holds every column of the table; COLUMN_MALFORMED otherwise. */
export function readRow<N extends TableName>(table: N, uuid: Uuid, wire: unknown): Row<N> {
  if (!isRecord(wire))
    throw ovsdbError('COLUMN_MALFORMED', { table, column: uuid, expected: 'a row', value: shortJson(wire) });
  const row: Record<string, unknown> = { _uuid: uuid };
  for (const [column, type] of columnsOf(table)) row[column] = type.read(wire[column], { table, column });
  // The loop has filled each column of the table from its own type, which TypeScript cannot follow.
  return row as Row<N>;
}

/** Writes the columns that `values` has. */
export function writeColumns<N extends TableName>(table: N, values: Values<N>): WireRow {
  const row: Record<string, WireValue> = {};
  const given: Readonly<Record<string, unknown>> = values;
  for (const [column, type] of columnsOf(table)) if (column in given) row[column] = type.write(given[column]);
  return row;
}

/** A table's columns with their types widened, for code that goes over all of them. */
export function columnsOf(table: TableName): readonly (readonly [string, Column<unknown, unknown>])[] {
  return Object.entries<Column<unknown, never>>(TABLES[table]) as [string, Column<unknown, unknown>][];
}
