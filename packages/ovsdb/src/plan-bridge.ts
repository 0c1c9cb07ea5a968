/** One transaction that makes, changes or removes a bridge, from what the cache shows. */
import type { Operation } from './operation.ts';
import type { OvsCache } from './ovs-cache.ts';
import { configuration, rootOf } from './plan-configuration.ts';
import { alterRow, isRow, newRow, stillThere, type Wish } from './wish.ts';

/** A bridge as it should be; see `Wish` for what is left to others. */
export interface BridgeSpec extends Pick<Wish<'Bridge'>, 'other_config' | 'external_ids'> {
  readonly name: string;
  /** `netdev` for the userspace datapath, `system` for the kernel's. */
  readonly datapath_type: 'netdev' | 'system';
  /** `secure`: without a controller it drops what its flows do not forward. */
  readonly fail_mode?: 'standalone' | 'secure';
  /** Which OpenFlow versions it accepts, `OpenFlow13` to `OpenFlow15` unless told. */
  readonly protocols?: readonly string[];
}

const PROTOCOLS = ['OpenFlow13', 'OpenFlow14', 'OpenFlow15'] as const;

/** Makes the bridge with its local port, or changes it: no operations when it is as wished. */
export function planBridge(cache: OvsCache, spec: BridgeSpec): readonly Operation[] {
  const root = rootOf(cache);
  const wish = { fail_mode: 'secure', protocols: PROTOCOLS, ...spec } as const;
  const there = cache.bridge(spec.name);
  if (there !== undefined) return configuration(root, alterRow('Bridge', there, wish));
  const { name } = spec;
  const local = newRow('Interface', { name, type: 'internal' });
  const port = newRow('Port', { name, interfaces: [{ named: 'local_interface' }] });
  const bridge = newRow('Bridge', { ...wish, ports: [{ named: 'local_port' }] });
  return configuration(root, [
    { op: 'insert', table: 'Interface', 'uuid-name': 'local_interface', row: local },
    { op: 'insert', table: 'Port', 'uuid-name': 'local_port', row: port },
    { op: 'insert', table: 'Bridge', 'uuid-name': 'bridge', row: bridge },
    {
      op: 'mutate',
      table: 'Open_vSwitch',
      where: [isRow(root._uuid)],
      mutations: [['bridges', 'insert', ['set', [['named-uuid', 'bridge']]]]],
    },
  ]);
}

/** Removes the bridge with all its ports: no operations when there is none. */
export function planBridgeRemoval(cache: OvsCache, name: string): readonly Operation[] {
  const root = rootOf(cache);
  const bridge = cache.bridge(name);
  if (bridge === undefined) return [];
  return configuration(root, [
    stillThere('Bridge', bridge._uuid, { name }),
    {
      op: 'mutate',
      table: 'Open_vSwitch',
      where: [isRow(root._uuid)],
      mutations: [['bridges', 'delete', ['set', [['uuid', bridge._uuid]]]]],
    },
  ]);
}
