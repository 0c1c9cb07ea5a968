import type { NamedUuid, Uuid } from './column.ts';
import type { Atom, Operation } from './operation.ts';
import type { OvsCache } from './ovs-cache.ts';
import { configuration, rootOf } from './plan-configuration.ts';
import { alterRow, isRow, newRow, stillThere } from './wish.ts';

/** How long idle connections of one conntrack zone live. */
export interface ZoneTimeouts {
  readonly datapath_type: 'netdev' | 'system';
  /** 0 to 65535. */
  readonly zone: number;
  /** Seconds by state, named as in ovs-vswitchd.conf.db(5): `tcp_established`, `udp_multiple` and so on. */
  readonly timeouts: Readonly<Record<string, number | undefined>>;
}

/**
 * Gives a zone its timeout policy, with the Datapath and CT_Zone rows that hold it: no operations when it has it.
 * Timeouts that are not named stay as they are.
 */
export function planZoneTimeouts(
  cache: OvsCache,
  { datapath_type, zone, timeouts }: ZoneTimeouts,
): readonly Operation[] {
  const root = rootOf(cache);
  const datapath = rowAt(root.datapaths.get(datapath_type), cache.rows.Datapath);
  const ctZone = rowAt(datapath?.ct_zones.get(zone), cache.rows.CT_Zone);
  const policy = rowAt(ctZone?.timeout_policy, cache.rows.CT_Timeout_Policy);
  if (policy !== undefined) return configuration(root, alterRow('CT_Timeout_Policy', policy, { timeouts }));

  const operations: Operation[] = [
    { op: 'insert', table: 'CT_Timeout_Policy', 'uuid-name': 'policy', row: newRow('CT_Timeout_Policy', { timeouts }) },
  ];
  const timeout_policy: NamedUuid = { named: 'policy' };
  if (ctZone !== undefined) {
    operations.push(stillThere('CT_Zone', ctZone._uuid, { timeout_policy: ctZone.timeout_policy }));
    operations.push(...alterRow('CT_Zone', ctZone, { timeout_policy }));
    return configuration(root, operations);
  }
  operations.push({ op: 'insert', table: 'CT_Zone', 'uuid-name': 'zone', row: newRow('CT_Zone', { timeout_policy }) });
  if (datapath !== undefined) {
    // "insert" would leave a zone alone that somebody else has made meanwhile, and ours would be lost.
    operations.push(stillThere('Datapath', datapath._uuid, { ct_zones: datapath.ct_zones }));
    operations.push(insertEntry('Datapath', datapath._uuid, 'ct_zones', zone, 'zone'));
    return configuration(root, operations);
  }
  operations.push(stillThere('Open_vSwitch', root._uuid, { datapaths: root.datapaths }));
  const ct_zones = new Map([[zone, { named: 'zone' }]]);
  operations.push({ op: 'insert', table: 'Datapath', 'uuid-name': 'datapath', row: newRow('Datapath', { ct_zones }) });
  operations.push(insertEntry('Open_vSwitch', root._uuid, 'datapaths', datapath_type, 'datapath'));
  return configuration(root, operations);
}

function rowAt<R>(uuid: Uuid | undefined, rows: ReadonlyMap<Uuid, R>): R | undefined {
  return uuid === undefined ? undefined : rows.get(uuid);
}

function insertEntry(table: string, uuid: Uuid, column: string, key: Atom, named: string): Operation {
  const entry = ['map', [[key, ['named-uuid', named]]]] as const;
  return { op: 'mutate', table, where: [isRow(uuid)], mutations: [[column, 'insert', entry]] };
}
