/** One transaction that makes, changes or removes ports, from what the cache shows. */
import { ovsdbError } from './errors.ts';
import type { Operation } from './operation.ts';
import type { OvsCache } from './ovs-cache.ts';
import { configuration, rootOf } from './plan-configuration.ts';
import { alterRow, isRow, newRow, stillThere, type Wish } from './wish.ts';

/** What may be wished of an interface: the columns that ovs-vswitchd reads rather than writes. */
export type InterfaceWish = Pick<
  Wish<'Interface'>,
  'type' | 'options' | 'ofport_request' | 'mac' | 'mtu_request' | 'other_config' | 'external_ids'
>;

/** A port with one interface of its name; see `Wish` for what is left to others. */
export interface PortSpec extends InterfaceWish {
  readonly bridge: string;
  readonly name: string;
}

/**
 * Makes the port, or changes its interface: no operations when it is as wished. BRIDGE_MISSING without the bridge,
 * PORT_ELSEWHERE when another bridge has the port.
 */
export function planPort(cache: OvsCache, spec: PortSpec): readonly Operation[] {
  const root = rootOf(cache);
  const { bridge: bridgeName, name, ...wish } = spec;
  const bridge = cache.bridge(bridgeName);
  if (bridge === undefined) throw ovsdbError('BRIDGE_MISSING', { bridge: bridgeName });
  const port = cache.port(name);
  if (port !== undefined) {
    const actual = cache.bridgeOf(port);
    if (actual !== undefined && actual !== bridge)
      throw ovsdbError('PORT_ELSEWHERE', { port: name, bridge: bridgeName, actual: actual.name });
    return planInterface(cache, name, wish);
  }
  return configuration(root, [
    stillThere('Bridge', bridge._uuid, { name: bridgeName }),
    { op: 'insert', table: 'Interface', 'uuid-name': 'interface', row: newRow('Interface', { ...wish, name }) },
    {
      op: 'insert',
      table: 'Port',
      'uuid-name': 'port',
      row: newRow('Port', { name, interfaces: [{ named: 'interface' }] }),
    },
    {
      op: 'mutate',
      table: 'Bridge',
      where: [isRow(bridge._uuid)],
      mutations: [['ports', 'insert', ['set', [['named-uuid', 'port']]]]],
    },
  ]);
}

/** Changes an interface: no operations when it is as wished, INTERFACE_MISSING when there is none. */
export function planInterface(cache: OvsCache, name: string, wish: InterfaceWish): readonly Operation[] {
  const there = cache.interface(name);
  if (there === undefined) throw ovsdbError('INTERFACE_MISSING', { name });
  const changes = alterRow('Interface', there, wish);
  return changes.length === 0
    ? []
    : configuration(rootOf(cache), [stillThere('Interface', there._uuid, { name }), ...changes]);
}

/** Removes ports of any bridge by name: no operations when none is there. */
export function planPortRemoval(cache: OvsCache, names: readonly string[]): readonly Operation[] {
  const root = rootOf(cache);
  const uuids = new Set(names.flatMap((name) => cache.port(name)?._uuid ?? []));
  const operations = [...cache.rows.Bridge.values()].flatMap((bridge): readonly Operation[] => {
    const gone = bridge.ports.filter((uuid) => uuids.has(uuid)).map((uuid) => ['uuid', uuid] as const);
    if (gone.length === 0) return [];
    const mutations = [['ports', 'delete', ['set', gone]] as const];
    return [{ op: 'mutate', table: 'Bridge', where: [isRow(bridge._uuid)], mutations }];
  });
  return configuration(root, operations);
}
