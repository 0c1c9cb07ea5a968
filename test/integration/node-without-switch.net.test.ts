/** A node whose Open vSwitch is away, hangs, restarts or has strange ports: what is kept all the same, and what waits. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { iptablesRestore } from '@tenet/host';
import { Ip, Mac } from '@tenet/std';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const run = promisify(execFile);

/** What users are promised, and what a machine that is busy with other tests may take. */
const PROMISED_MS = 2_000;
const DEADLINE_MS = 3 * PROMISED_MS;

describe('a node without its switch', () => {
  let node: PrivateNode;
  let daemon: Daemon;

  before(async () => {
    node = await privateNode({ subnet: '10.131.2.0/28' });
    daemon = await node.start();
    await daemon.ready();
  });
  after(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await node?.[Symbol.asyncDispose]();
  });

  const namespace = () => `/run/netns/${node.ovs.netns}`;
  const guards = async () => (await node.rules()).tables.get('filter')?.chains.get('TENET-GUARD')?.rules.length ?? 0;

  /** Flushes the guards and asserts that they are back in time. */
  async function guardsComeBack(): Promise<void> {
    const before = await guards();
    assert.ok(before > 0);
    daemon.child.kill('SIGSTOP');
    await iptablesRestore('*filter\n-F TENET-GUARD\nCOMMIT\n', { namespace: namespace(), noflush: true });
    assert.equal(await guards(), 0);
    daemon.child.kill('SIGCONT');
    const startMs = performance.now();
    await until(async () => ((await guards()) === before ? true : undefined), 'the guards are back', DEADLINE_MS);
    console.log(`# guards back after ${Math.round(performance.now() - startMs)} ms`);
  }

  test('keeps the guards of the host while ovsdb-server is away', async () => {
    await node.ovs.stopOvsdb('SIGKILL');
    await until(() => (/ovsdb connection (lost|failed)/.test(daemon.text()) ? true : undefined), 'the loss is noticed');
    await guardsComeBack();
    await node.ovs.startOvsdb();
    const works = () =>
      daemon.lines().some(({ message, what }) => message === 'step works again' && what === 'switch objects');
    await until(() => (works() ? true : undefined), 'it is seen again').catch((error) =>
      assert.fail(`${error}\n${daemon.text()}`),
    );
  });

  test('keeps the guards of the host while ovs-vswitchd hangs', async () => {
    const pid = Number(readFileSync(join(node.ovs.directory, 'ovs-vswitchd.pid'), 'utf8'));
    process.kill(pid, 'SIGSTOP');
    try {
      // So that a pass waits for the switch.
      await node.kube.patch('NetNamespace', { name: 'alpha' }, { netid: 0x5a3 });
      await guardsComeBack();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await node.kube.patch('NetNamespace', { name: 'alpha' }, { netid: 0x5a2 });
  });

  test('an ADD that meets a restart of ovs-vswitchd waits for it, and the pod is carried', async () => {
    for (let times = 0; times < 3; times++) {
      const box = node.sandbox();
      await node.ovs.stopVswitchd('SIGKILL');
      const adding = node.cni({ pod: 'alpha/web', ...box });
      await node.ovs.startVswitchd();
      const { status, json } = await adding;
      assert.equal(status, 0, JSON.stringify(json));
      const [address] = json.ips[0].address.split('/');
      await run('nsenter', [`--net=${box.netns}`, 'ping', '-c1', '-W2', '10.131.2.1']);
      assert.ok((await node.flows()).some((flow) => flow.includes(`nw_dst=${address} `) && flow.includes('table=70')));
      assert.equal((await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: box.containerId })).status, 0);
    }
  });

  test("fills the switch's tunnel neighbours after a restart before any packet asks for them", async () => {
    const peer = Ip.parse('10.122.70.99');
    const mac = Mac.parse('02:00:00:00:00:99');
    const shown = async () => (await node.ovs.appctl('tnl/neigh/show')).includes(`${peer} `);
    node.netlink.setNeighbour({ link: 'eth0', address: peer, mac, permanent: true });
    await node.kube.create('HostSubnet', {
      metadata: { name: 'peer' },
      host: 'peer',
      hostIP: peer.toString(),
      subnet: '10.131.4.0/28',
    });
    await until(async () => ((await shown()) ? true : undefined), 'the new node is known');
    await node.ovs.stopVswitchd('SIGKILL');
    await node.ovs.startVswitchd();
    const startMs = performance.now();
    await until(async () => ((await shown()) ? true : undefined), 'it is known after the restart', DEADLINE_MS);
    console.log(`# tunnel neighbour there after ${Math.round(performance.now() - startMs)} ms`);
    await node.kube.delete('HostSubnet', { name: 'peer' });
  });

  test('starts beside a port whose name OpenFlow cuts off, and takes it away', async () => {
    const name = 'patch-br-int-to-br0';
    await daemon[Symbol.asyncDispose]();
    await node.ovs.vsctl('add-port', 'br0', name, '--', 'set', 'Interface', name, 'type=patch', 'options:peer=nobody');
    daemon = await node.start();
    await daemon.ready();
    const gone = async () => ((await node.ovs.vsctl('list-ports', 'br0')).includes(name) ? undefined : true);
    await until(gone, 'the port is gone', DEADLINE_MS);
  });

  test('puts the fragment mode back, without which forged tunnel packets pass in fragments', async () => {
    const mgmt = node.ovs.mgmt('br0');
    const mode = async () => (await run('ovs-ofctl', ['-OOpenFlow14', 'get-frags', mgmt])).stdout;
    await run('ovs-ofctl', ['-OOpenFlow14', 'set-frags', mgmt, 'normal']);
    const startMs = performance.now();
    await until(async () => (/nx-match/.test(await mode()) ? true : undefined), 'nx-match is back', DEADLINE_MS);
    console.log(`# fragment mode back after ${Math.round(performance.now() - startMs)} ms`);
    const told = daemon.lines().filter(({ message }) => message === 'fragment mode set again');
    assert.deepEqual(
      told.map(({ level }) => level),
      ['warn'],
    );
  });
});
