/** The switch database against a real ovsdb-server and ovs-vswitchd 3.1 with the userspace datapath. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  addPort,
  connectOvsdb,
  DATABASE,
  deleteBridge,
  deletePorts,
  ensureBridge,
  ensurePort,
  ensureZoneTimeouts,
  isOperationFailure,
  OpenVSwitch,
  type PortSpec,
  planBridge,
  planPort,
  planZoneTimeouts,
  type RowChange,
  unixctl,
  updateInterface,
  vswitchdCtlPath,
  waitForConfiguration,
} from '@tenet/ovsdb';
import { type Clock, isTenetError } from '@tenet/std';
import { type PrivateOvs, privateOvs } from './private-ovs.ts';

const CLOCK: Clock = {
  nowMs: Date.now,
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};
const BRIDGE = { name: 'br0', datapath_type: 'netdev', external_ids: { 'tenet-owner': 'node-1' } } as const;
const TIMEOUTS = { datapath_type: 'netdev', zone: 25, timeouts: { tcp_established: 432_000 } } as const;

const code = (expected: string) => (error: unknown) => isTenetError(error, expected);
const internal = (name: string): PortSpec => ({ bridge: 'br0', name, type: 'internal' });

describe('OpenVSwitch', () => {
  let ovs: PrivateOvs;
  let db: OpenVSwitch;
  const owned = new AsyncDisposableStack();

  /** A test whose failure shows the switch's state and logs. */
  const real = (name: string, body: () => Promise<void>) => test(name, () => ovs.explain(body));

  before(async () => {
    ovs = owned.use(await privateOvs());
    db = owned.use(open());
    await db.connected();
    await ensureBridge(db, BRIDGE);
  });
  after(() => owned.disposeAsync());

  function open(): OpenVSwitch {
    return new OpenVSwitch({ path: ovs.dbSocket, clock: CLOCK, random: () => 0.5 });
  }

  real('connectOvsdb() lists databases and reads the schema', async () => {
    await using client = await connectOvsdb({ path: ovs.dbSocket });
    assert.ok((await client.listDbs()).includes(DATABASE));
    assert.equal((await client.getSchema(DATABASE)).name, DATABASE);
    await client.echo();
    await assert.rejects(client.getSchema('Nothing'), code('REQUEST_REFUSED'));
  });

  real('transact() rejects with the operation that failed', async () => {
    const rename = { op: 'update', table: 'Bridge', where: [], row: { name: 'other' } } as const;
    await assert.rejects(db.transact([{ op: 'comment', comment: 'one' }, rename]), (error) => {
      assert.ok(isOperationFailure(error, 'constraint violation'));
      assert.equal(error.facts.operation, 'update Bridge');
      assert.equal(error.facts.at, 1);
      return true;
    });
    // Both operations are right by themselves; the sum has a port without an interface row.
    const row = { name: 'lonely', interfaces: ['uuid', '00000000-0000-4000-8000-000000000000'] } as const;
    const uuids = [{ op: 'insert', table: 'Port', row, 'uuid-name': 'lonely' }] as const;
    const join = {
      op: 'mutate',
      table: 'Bridge',
      where: [],
      mutations: [['ports', 'insert', ['set', [['named-uuid', 'lonely']]]]],
    } as const;
    await assert.rejects(db.transact([...uuids, join]), (error) => {
      assert.ok(isOperationFailure(error, 'referential integrity violation'));
      assert.equal(error.facts.operation, 'commit');
      return true;
    });
  });

  real('transact() leaves nothing behind in the server when it is aborted', async () => {
    const forever = {
      op: 'wait',
      table: 'Bridge',
      where: [['name', '==', 'br0']],
      columns: ['name'],
      until: '!=',
      rows: [{ name: 'br0' }],
    } as const;
    const options = { signal: AbortSignal.timeout(50) };
    await assert.rejects(db.transact([forever], options), { name: 'TimeoutError' });
    await assert.rejects(db.transact([forever], { deadlineMs: 50 }), code('REQUEST_TIMED_OUT'));
    const pid = (await readFile(join(ovs.directory, 'ovsdb-server.pid'), 'utf8')).trim();
    const memory = await unixctl(join(ovs.directory, `ovsdb-server.${pid}.ctl`), 'memory/show');
    assert.match(memory, /sessions:\d/);
    assert.doesNotMatch(memory, /triggers/);
  });

  real(
    'ensureBridge() makes the bridge that ovs-vsctl shows, and is through when waitForConfiguration() is',
    async () => {
      await waitForConfiguration(db, await ensureBridge(db, { ...BRIDGE, other_config: { 'mac-table-size': '16' } }));
      const bridge = db.cache.bridge('br0');
      assert.equal(bridge?.fail_mode, 'secure');
      assert.deepEqual(bridge?.protocols, ['OpenFlow13', 'OpenFlow14', 'OpenFlow15']);
      assert.match(bridge?.datapath_id ?? '', /^[0-9a-f]{16}$/);
      assert.equal((await ovs.vsctl('get', 'Bridge', 'br0', 'datapath_type')).trim(), 'netdev');
      assert.equal((await ovs.vsctl('get', 'Bridge', 'br0', 'external_ids')).trim(), '{tenet-owner=node-1}');
      assert.equal(db.cache.interface('br0')?.ofport, 65534);
    },
  );

  real('addPort() answers the interface with the number that was asked for', async () => {
    const external_ids = { sandbox: 'c0ffee', ip: '10.128.0.45' };
    const row = await addPort(db, { ...internal('pod45'), ofport_request: 45, external_ids });
    assert.equal(row.ofport, 45);
    assert.deepEqual(row.external_ids, external_ids);
    assert.deepEqual(
      db.cache
        .portsOf('br0')
        .map(({ name }) => name)
        .sort(),
      ['br0', 'pod45'],
    );
    assert.equal((await ovs.vsctl('get', 'Interface', 'pod45', 'ofport')).trim(), '45');
  });

  real('the plans have no operations when the switch is as wished', async () => {
    const spec = { ...internal('pod46'), ofport_request: 46, mtu_request: 1450, options: { a: '1' } };
    const first = await addPort(db, spec);
    await ensureZoneTimeouts(db, TIMEOUTS);
    assert.deepEqual(planPort(db.cache, spec), []);
    assert.deepEqual(planBridge(db.cache, BRIDGE), []);
    assert.deepEqual(planZoneTimeouts(db.cache, TIMEOUTS), []);
    const nextCfg = db.cache.root?.next_cfg;
    assert.deepEqual(await addPort(db, spec), first);
    assert.equal(await ensurePort(db, spec), undefined);
    assert.equal(await ensureBridge(db, BRIDGE), undefined);
    assert.equal(await ensureZoneTimeouts(db, TIMEOUTS), undefined);
    assert.equal(await deletePorts(db, ['never-there']), undefined);
    assert.equal(await deleteBridge(db, 'never-there'), undefined);
    assert.equal(db.cache.root?.next_cfg, nextCfg);
  });

  real('updateInterface() changes its keys and leaves those of others alone', async () => {
    await addPort(db, { ...internal('pod47'), external_ids: { ip: '10.128.0.47', old: 'x' } });
    await ovs.vsctl('set', 'Interface', 'pod47', 'external_ids:theirs=kept');
    await updateInterface(db, 'pod47', { external_ids: { ip: '10.128.0.48', old: undefined }, ofport_request: 47 });
    await db.cache.waitFor((cache) => cache.interface('pod47')?.ofport === 47);
    assert.deepEqual(db.cache.interface('pod47')?.external_ids, { ip: '10.128.0.48', theirs: 'kept' });
    await assert.rejects(updateInterface(db, 'none', {}), code('INTERFACE_MISSING'));
  });

  real('addPort() rejects with the error of ovs-vswitchd, and again until the device is there', async () => {
    const spec = { bridge: 'br0', name: 'veth-late' };
    for (const _attempt of ['first', 'repeated']) {
      await assert.rejects(addPort(db, spec), (error) => {
        assert.ok(isTenetError(error, 'INTERFACE_FAILED'));
        assert.match(String(error.facts.error), /No such device/);
        return true;
      });
    }
    await ovs.inNetns('ip', 'link', 'add', 'veth-late', 'type', 'veth', 'peer', 'name', 'veth-peer');
    assert.ok((await addPort(db, spec)).ofport > 0);
  });

  real('planPort() refuses a bridge that is not there and a port of another bridge', async () => {
    await ensureBridge(db, { name: 'br1', datapath_type: 'netdev' });
    await ensurePort(db, { bridge: 'br1', name: 'on-br1', type: 'internal' });
    await assert.rejects(ensurePort(db, { bridge: 'br9', name: 'x' }), code('BRIDGE_MISSING'));
    await assert.rejects(ensurePort(db, { bridge: 'br0', name: 'on-br1' }), code('PORT_ELSEWHERE'));
    await waitForConfiguration(db, await deleteBridge(db, 'br1'));
    assert.equal(db.cache.port('on-br1'), undefined);
    assert.equal(db.cache.interface('on-br1'), undefined);
    assert.ok(!(await ovs.vsctl('list-br')).includes('br1'));
  });

  real('two writers do not clobber each other, even where they wish the same', async () => {
    await using other = open();
    await other.connected();
    const names = Array.from({ length: 20 }, (_, at) => `both${at}`);
    const all = names.flatMap((name) => [ensurePort(db, internal(name)), ensurePort(other, internal(name))]);
    const zones = [db, other].flatMap((writer) =>
      [30, 31].map((zone) =>
        ensureZoneTimeouts(writer, { datapath_type: 'netdev', zone, timeouts: { udp_first: 60 } }),
      ),
    );
    await Promise.all([...all, ...zones]);
    await other.cache.waitFor((cache) => names.every((name) => cache.port(name)));
    const ports = new Set(db.cache.portsOf('br0').map(({ name }) => name));
    assert.deepEqual(
      names.filter((name) => !ports.has(name)),
      [],
    );
    const datapath = [...db.cache.rows.Datapath.values()];
    assert.equal(datapath.length, 1);
    assert.deepEqual([...(datapath[0]?.ct_zones.keys() ?? [])].sort(), [25, 30, 31]);
    await Promise.all([deletePorts(db, names), deletePorts(other, names)]);
    assert.deepEqual(
      db.cache.portsOf('br0').filter(({ name }) => names.includes(name)),
      [],
    );
  });

  real('ensureZoneTimeouts() sets the policy that ovs-vswitchd installs', async () => {
    await waitForConfiguration(db, await ensureZoneTimeouts(db, TIMEOUTS));
    assert.match(await ovs.vsctl('list-zone-tp', 'netdev'), /Zone:25, Timeout Policies: tcp_established=432000/);
    const changed = { ...TIMEOUTS, timeouts: { udp_multiple: 180, tcp_established: 86_400 } };
    await ensureZoneTimeouts(db, changed);
    assert.match(
      await ovs.vsctl('list-zone-tp', 'netdev'),
      /Zone:25, Timeout Policies: tcp_established=86400 udp_multiple=180/,
    );
  });

  real('the cache emits the difference after ovsdb-server restarts, and misses nothing', async () => {
    await addPort(db, internal('stays'));
    await addPort(db, internal('goes'));
    const changes: RowChange[] = [];
    using _listening = db.cache.onChange((batch) => void changes.push(...batch));
    await ovs.stopOvsdb();
    // Somebody changes the database while we are cut off.
    const goes = db.cache.port('goes')?._uuid ?? '';
    const operations = [
      { op: 'insert', table: 'Interface', 'uuid-name': 'i', row: { name: 'comes', type: 'internal' } },
      { op: 'insert', table: 'Port', 'uuid-name': 'p', row: { name: 'comes', interfaces: ['named-uuid', 'i'] } },
      {
        op: 'mutate',
        table: 'Bridge',
        where: [['name', '==', 'br0']],
        mutations: [
          ['ports', 'delete', ['uuid', goes]],
          ['ports', 'insert', ['named-uuid', 'p']],
        ],
      },
    ];
    const text = JSON.stringify([DATABASE, ...operations]);
    await ovs.inNetns('ovsdb-tool', 'transact', join(ovs.directory, 'conf.db'), text);
    await ovs.startOvsdb();
    await db.cache.waitFor((cache) => cache.port('comes') && !cache.port('goes') && cache.interface('comes')?.ofport);
    const ports = changes.flatMap((change) =>
      change.table === 'Port' ? [[change.before?.name, change.after?.name]] : [],
    );
    assert.deepEqual(
      ports.sort(),
      [
        ['goes', undefined],
        [undefined, 'comes'],
      ].sort(),
    );
    assert.ok(db.isConnected);
    assert.equal(db.cache.interface('stays')?.name, 'stays');
  });

  real('commands under way survive a restart of ovsdb-server', async () => {
    const names = Array.from({ length: 12 }, (_, at) => `through${at}`);
    const adding = (async () => {
      for (const name of names) assert.ok((await addPort(db, internal(name), { deadlineMs: 15_000 })).ofport > 0);
    })();
    await db.cache.waitFor((cache) => cache.port('through1'));
    await ovs.restartOvsdb();
    await adding;
    await deletePorts(db, names);
    assert.deepEqual(
      db.cache.portsOf('br0').filter(({ name }) => names.includes(name)),
      [],
    );
  });

  real('waitForConfiguration() and addPort() say that ovs-vswitchd does not answer when it is dead', async () => {
    await ovs.stopVswitchd('SIGKILL');
    try {
      const nextCfg = await ensurePort(db, internal('orphan'));
      await assert.rejects(waitForConfiguration(db, nextCfg, { deadlineMs: 100 }), code('VSWITCHD_SILENT'));
      await assert.rejects(addPort(db, internal('orphan2'), { deadlineMs: 100 }), code('VSWITCHD_SILENT'));
      await assert.rejects(unixctl(ovs.ctlSocket, 'version'), code('SOCKET_UNREACHABLE'));
    } finally {
      await ovs.startVswitchd();
    }
    assert.ok((await addPort(db, internal('orphan'))).ofport > 0);
  });

  real('unixctl() answers text, and the error of an unknown command', async () => {
    assert.equal(await vswitchdCtlPath(ovs.directory), ovs.ctlSocket);
    assert.match(await unixctl(ovs.ctlSocket, 'version'), /^ovs-vswitchd \(Open vSwitch\) 3\./);
    assert.match(await unixctl(ovs.ctlSocket, 'ofproto/trace', ['br0', 'in_port=45']), /Datapath actions: drop/);
    await assert.rejects(unixctl(ovs.ctlSocket, 'no/such'), (error) => {
      assert.ok(isTenetError(error, 'UNIXCTL_FAILED'));
      assert.match(error.message, /"no\/such" is not a valid command/);
      return true;
    });
  });

  real('deletePorts() removes ports and their interfaces', async () => {
    await waitForConfiguration(db, await deletePorts(db, ['pod45', 'pod46']));
    assert.equal(db.cache.port('pod45'), undefined);
    assert.equal(db.cache.interface('pod46'), undefined);
    assert.ok(!(await ovs.vsctl('list-ports', 'br0')).includes('pod45'));
  });
});
