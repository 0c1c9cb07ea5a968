import type { Uuid } from './column.ts';
import { ovsdbError } from './errors.ts';
import type { Operation, OperationResult } from './operation.ts';
import type { OvsCache } from './ovs-cache.ts';
import type { Row } from './tables.ts';
import { isRow } from './wish.ts';

/** The root row, or SCHEMA_ROW_MISSING. */
export function rootOf(cache: OvsCache): Row<'Open_vSwitch'> {
  const { root } = cache;
  if (root === undefined) throw ovsdbError('SCHEMA_ROW_MISSING', { table: 'Open_vSwitch' });
  return root;
}

/**
 * Ends a transaction that ovs-vswitchd must act on: raises `next_cfg`, which it copies to `cur_cfg` when done, and
 * reads the number back. The server adds, so that writers do not overwrite each other's number.
 */
export function raiseNextCfg(root: Uuid): readonly Operation[] {
  const where = [isRow(root)];
  return [
    { op: 'mutate', table: 'Open_vSwitch', where, mutations: [['next_cfg', '+=', 1]] },
    { op: 'select', table: 'Open_vSwitch', where, columns: ['next_cfg'] },
  ];
}

/** The number that `raiseNextCfg` read back; undefined when the results are of no such transaction. */
export function nextCfgOf(results: readonly OperationResult[]): number | undefined {
  const nextCfg = results.at(-1)?.rows?.[0]?.next_cfg;
  return typeof nextCfg === 'number' ? nextCfg : undefined;
}

/** Nothing when there is nothing to change, else the operations and the raised `next_cfg`. */
export function configuration(root: Row<'Open_vSwitch'>, operations: readonly Operation[]): readonly Operation[] {
  return operations.length === 0 ? [] : [...operations, ...raiseNextCfg(root._uuid)];
}
