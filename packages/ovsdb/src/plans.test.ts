import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { uuidOf } from './column.ts';
import { OvsCache } from './ovs-cache.ts';
import { planBridge, planBridgeRemoval } from './plan-bridge.ts';
import { nextCfgOf, raiseNextCfg } from './plan-configuration.ts';
import { planInterface, planPort, planPortRemoval } from './plan-port.ts';
import { planZoneTimeouts } from './plan-zone-timeouts.ts';
import { type TableName, type Values, writeColumns } from './tables.ts';
import { alterRow } from './wish.ts';

const id = (number: number) => uuidOf(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
const ROOT = id(1);
const BRIDGE = id(2);
const PORT = id(3);
const INTERFACE = id(4);

const EMPTY = { other_config: {}, external_ids: {} };
const NO_ROOT = { bridges: [], datapaths: new Map(), datapath_types: [], next_cfg: 7, cur_cfg: 7, ...EMPTY };
const BARE_ROOT = { ...NO_ROOT, ovs_version: undefined };
const BR0 = {
  name: 'br0',
  ports: [PORT],
  datapath_type: 'netdev',
  datapath_id: undefined,
  fail_mode: 'secure',
  protocols: ['OpenFlow15', 'OpenFlow13', 'OpenFlow14'],
  ...EMPTY,
} as const;
const POD = {
  name: 'pod45',
  type: 'internal',
  options: {},
  ofport: 45,
  ofport_request: 45,
  ifindex: undefined,
  mac: undefined,
  mac_in_use: undefined,
  error: undefined,
  mtu: undefined,
  mtu_request: undefined,
  admin_state: undefined,
  link_state: undefined,
  other_config: {},
  external_ids: { ip: '10.128.0.45', theirs: 'x' },
} as const;

/** A cache that shows the given rows. */
async function cacheOf(tables: { readonly [N in TableName]?: Readonly<Record<string, Values<N>>> }): Promise<OvsCache> {
  const updates = Object.fromEntries(
    Object.entries(tables).map(([table, rows]) => [
      table,
      Object.fromEntries(
        Object.entries(rows).map(([uuid, values]) => [uuid, { new: writeColumns(table as TableName, values) }]),
      ),
    ]),
  );
  const cache = new OvsCache();
  await cache.follow({
    monitor: async (_database, _requests, onUpdates) => onUpdates(JSON.parse(JSON.stringify(updates)), true),
  });
  return cache;
}

const bare = () => cacheOf({ Open_vSwitch: { [ROOT]: BARE_ROOT } });
const withPod = () =>
  cacheOf({
    Open_vSwitch: { [ROOT]: { ...BARE_ROOT, bridges: [BRIDGE] } },
    Bridge: { [BRIDGE]: BR0 },
    Port: { [PORT]: { name: 'pod45', interfaces: [INTERFACE], tag: undefined, ...EMPTY } },
    Interface: { [INTERFACE]: POD },
  });
const raise = raiseNextCfg(ROOT);

describe('planBridge()', () => {
  test('planBridge() refuses a database without its root row', async () => {
    const cache = await cacheOf({});
    assert.throws(() => planBridge(cache, { name: 'br0', datapath_type: 'netdev' }), { code: 'SCHEMA_ROW_MISSING' });
  });

  test('planBridge() inserts bridge, local port and interface when there is none', async () => {
    const operations = planBridge(await bare(), {
      name: 'br0',
      datapath_type: 'netdev',
      other_config: { a: '1', b: undefined },
    });
    assert.deepEqual(operations, [
      { op: 'insert', table: 'Interface', 'uuid-name': 'local_interface', row: { name: 'br0', type: 'internal' } },
      {
        op: 'insert',
        table: 'Port',
        'uuid-name': 'local_port',
        row: { name: 'br0', interfaces: ['set', [['named-uuid', 'local_interface']]] },
      },
      {
        op: 'insert',
        table: 'Bridge',
        'uuid-name': 'bridge',
        row: {
          name: 'br0',
          ports: ['set', [['named-uuid', 'local_port']]],
          datapath_type: 'netdev',
          fail_mode: 'secure',
          protocols: ['set', ['OpenFlow13', 'OpenFlow14', 'OpenFlow15']],
          other_config: ['map', [['a', '1']]],
        },
      },
      {
        op: 'mutate',
        table: 'Open_vSwitch',
        where: [['_uuid', '==', ['uuid', ROOT]]],
        mutations: [['bridges', 'insert', ['set', [['named-uuid', 'bridge']]]]],
      },
      ...raise,
    ]);
  });

  test('planBridge() is empty when the bridge is as wished, whatever the order of its sets', async () => {
    assert.deepEqual(planBridge(await withPod(), { name: 'br0', datapath_type: 'netdev' }), []);
  });

  test('planBridge() updates only what differs', async () => {
    assert.deepEqual(planBridge(await withPod(), { name: 'br0', datapath_type: 'system' }), [
      { op: 'update', table: 'Bridge', where: [['_uuid', '==', ['uuid', BRIDGE]]], row: { datapath_type: 'system' } },
      ...raise,
    ]);
  });

  test('planBridgeRemoval() takes the bridge out of the set, and is empty without it', async () => {
    assert.deepEqual(planBridgeRemoval(await bare(), 'br0'), []);
    const [wait, mutate] = planBridgeRemoval(await withPod(), 'br0');
    assert.equal(wait?.op, 'wait');
    assert.deepEqual(mutate, {
      op: 'mutate',
      table: 'Open_vSwitch',
      where: [['_uuid', '==', ['uuid', ROOT]]],
      mutations: [['bridges', 'delete', ['set', [['uuid', BRIDGE]]]]],
    });
  });
});

describe('planPort()', () => {
  test('planPort() inserts into the set of ports, provided that the bridge is still there', async () => {
    const spec = { bridge: 'br0', name: 'vxlan0', type: 'vxlan', options: { key: 'flow' }, ofport_request: 1 };
    assert.deepEqual(planPort(await withPod(), spec), [
      {
        op: 'wait',
        table: 'Bridge',
        where: [['_uuid', '==', ['uuid', BRIDGE]]],
        columns: ['name'],
        until: '==',
        rows: [{ name: 'br0' }],
        timeout: 0,
      },
      {
        op: 'insert',
        table: 'Interface',
        'uuid-name': 'interface',
        row: { name: 'vxlan0', type: 'vxlan', options: ['map', [['key', 'flow']]], ofport_request: 1 },
      },
      {
        op: 'insert',
        table: 'Port',
        'uuid-name': 'port',
        row: { name: 'vxlan0', interfaces: ['set', [['named-uuid', 'interface']]] },
      },
      {
        op: 'mutate',
        table: 'Bridge',
        where: [['_uuid', '==', ['uuid', BRIDGE]]],
        mutations: [['ports', 'insert', ['set', [['named-uuid', 'port']]]]],
      },
      ...raise,
    ]);
  });

  test('planPort() is empty when the interface is as wished, whatever keys others added', async () => {
    const spec = {
      bridge: 'br0',
      name: 'pod45',
      type: 'internal',
      ofport_request: 45,
      external_ids: { ip: '10.128.0.45', gone: undefined },
    };
    assert.deepEqual(planPort(await withPod(), spec), []);
  });

  test('planInterface() deletes a key before it inserts its new value, and empties a column', async () => {
    const operations = planInterface(await withPod(), 'pod45', {
      ofport_request: undefined,
      external_ids: { ip: '10.128.0.46', theirs: undefined, added: 'y' },
    });
    const where = [['_uuid', '==', ['uuid', INTERFACE]]];
    assert.deepEqual(operations.slice(1, 3), [
      { op: 'update', table: 'Interface', where, row: { ofport_request: ['set', []] } },
      {
        op: 'mutate',
        table: 'Interface',
        where,
        mutations: [
          ['external_ids', 'delete', ['set', ['ip', 'theirs']]],
          [
            'external_ids',
            'insert',
            [
              'map',
              [
                ['ip', '10.128.0.46'],
                ['added', 'y'],
              ],
            ],
          ],
        ],
      },
    ]);
  });

  test('planPortRemoval() takes only its ports out of the set, and is empty without them', async () => {
    assert.deepEqual(planPortRemoval(await withPod(), ['other']), []);
    assert.deepEqual(planPortRemoval(await withPod(), ['other', 'pod45']), [
      {
        op: 'mutate',
        table: 'Bridge',
        where: [['_uuid', '==', ['uuid', BRIDGE]]],
        mutations: [['ports', 'delete', ['set', [['uuid', PORT]]]]],
      },
      ...raise,
    ]);
  });
});

describe('planZoneTimeouts()', () => {
  const SPEC = { datapath_type: 'netdev', zone: 25, timeouts: { tcp_established: 432_000 } } as const;
  const POLICY = id(7);
  const DATAPATH = { datapath_version: '', capabilities: {}, external_ids: {} };
  const rootWith = { [ROOT]: { ...BARE_ROOT, datapaths: new Map([['netdev', id(5)]]) } };

  test('planZoneTimeouts() makes datapath, zone and policy, guarded by the map that it saw', async () => {
    const shape = planZoneTimeouts(await bare(), SPEC).map(
      (operation) => `${operation.op} ${'table' in operation && operation.table}`,
    );
    assert.deepEqual(shape, [
      'insert CT_Timeout_Policy',
      'insert CT_Zone',
      'wait Open_vSwitch',
      'insert Datapath',
      'mutate Open_vSwitch',
      'mutate Open_vSwitch',
      'select Open_vSwitch',
    ]);
  });

  test('planZoneTimeouts() adds a zone to the datapath that is there', async () => {
    const cache = await cacheOf({
      Open_vSwitch: rootWith,
      Datapath: { [id(5)]: { ...DATAPATH, ct_zones: new Map() } },
    });
    const mutate = planZoneTimeouts(cache, SPEC).find(({ op }) => op === 'mutate');
    assert.deepEqual(mutate, {
      op: 'mutate',
      table: 'Datapath',
      where: [['_uuid', '==', ['uuid', id(5)]]],
      mutations: [['ct_zones', 'insert', ['map', [[25, ['named-uuid', 'zone']]]]]],
    });
  });

  test('planZoneTimeouts() changes one timeout of the policy, and is empty when that is right', async () => {
    const cache = await cacheOf({
      Open_vSwitch: rootWith,
      Datapath: { [id(5)]: { ...DATAPATH, ct_zones: new Map([[25, id(6)]]) } },
      CT_Zone: { [id(6)]: { timeout_policy: POLICY, external_ids: {} } },
      CT_Timeout_Policy: { [POLICY]: { timeouts: { tcp_established: 60, udp_first: 30 }, external_ids: {} } },
    });
    assert.deepEqual(planZoneTimeouts(cache, { ...SPEC, timeouts: { tcp_established: 60 } }), []);
    assert.deepEqual(planZoneTimeouts(cache, SPEC), [
      {
        op: 'mutate',
        table: 'CT_Timeout_Policy',
        where: [['_uuid', '==', ['uuid', POLICY]]],
        mutations: [
          ['timeouts', 'delete', ['set', ['tcp_established']]],
          ['timeouts', 'insert', ['map', [['tcp_established', 432_000]]]],
        ],
      },
      ...raise,
    ]);
  });
});

test('alterRow() is empty when a row is wished to be as it is', async () => {
  const row = (await withPod()).interface('pod45');
  assert.ok(row);
  assert.deepEqual(alterRow('Interface', row, POD), []);
});

test('nextCfgOf() reads the number behind the other results, or knows of none', () => {
  assert.equal(nextCfgOf([]), undefined);
  assert.equal(nextCfgOf([{ count: 1 }]), undefined);
  assert.equal(nextCfgOf([{ count: 1 }, { rows: [{ next_cfg: 8 }] }]), 8);
});
