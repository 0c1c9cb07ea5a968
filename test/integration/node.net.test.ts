/** `tenet node` on a real Open vSwitch: what it wires, what it mends, and that what it refuses leaves nothing behind. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { iptablesRestore, Netlink } from '@tenet/host';
import type { ClusterNetworkObject } from '@tenet/model';
import { Ip, Mac, Prefix } from '@tenet/std';
import { CLUSTER_NETWORK, type Daemon, NODE, type PrivateNode, privateNode, until } from './private-node.ts';

const run = promisify(execFile);

function clusterNetwork(change: Partial<ClusterNetworkObject>): ClusterNetworkObject {
  return { ...CLUSTER_NETWORK, ...change };
}

describe('tenet node refuses to start', () => {
  const RANGE = { CIDR: '10.128.0.0/14', hostSubnetLength: 9 };
  const REFUSED = [
    {
      name: 'ranges that overlap',
      network: clusterNetwork({ clusterNetworks: [RANGE, { CIDR: '10.129.0.0/16', hostSubnetLength: 8 }] }),
      says: /clusterNetworks\[1\] 10\.129\.0\.0\/16 overlaps 10\.128\.0\.0\/14/,
    },
    {
      name: 'a range that overlaps the service network',
      network: clusterNetwork({ serviceNetwork: '10.130.0.0/16' }),
      says: /overlaps the service network/,
    },
    {
      name: 'IPv6',
      network: clusterNetwork({ clusterNetworks: [{ CIDR: 'fd00::/48', hostSubnetLength: 9 }] }),
      says: /is IPv6, which is not supported yet/,
    },
    {
      name: 'host bits',
      network: clusterNetwork({ clusterNetworks: [{ CIDR: '10.128.0.1/14', hostSubnetLength: 9 }] }),
      says: /has host bits set; write 10\.128\.0\.0\/14/,
    },
    {
      name: 'another plugin',
      network: clusterNetwork({ pluginName: 'redhat/openshift-ovs-networkpolicy' }),
      says: /only redhat\/openshift-ovs-multitenant is/,
    },
    {
      name: 'an MTU that the NIC has no room for',
      network: clusterNetwork({ mtu: 1500 }),
      says: /eth0 has an MTU of 1500 bytes, pods with 1500 need 1550/,
    },
  ];
  for (const { name, network, says } of REFUSED) {
    test(`for ${name}, with one clear error, and makes nothing`, async () => {
      await using node = await privateNode({ clusterNetwork: network });
      const before = await node.footprint();
      await using daemon = await node.start();
      assert.equal(await daemon.ended, 1);
      const told = daemon
        .text()
        .split('\n')
        .filter((line) => line.startsWith('tenet: '));
      assert.equal(told.length, 1, daemon.text());
      assert.match(told[0] ?? '', says);
      assert.deepEqual(await node.footprint(), before);
    });
  }

  test("on a machine that does not have the node's address", async () => {
    await using node = await privateNode({ nodeIp: '10.122.70.99' });
    await using daemon = await node.start();
    assert.equal(await daemon.ended, 1);
    assert.match(daemon.text(), /no link of this machine has 10\.122\.70\.99/);
  });
});

describe('tenet node without Open vSwitch', () => {
  test('says once what is missing, waits, and is ready when it comes', async () => {
    await using node = await privateNode();
    await node.ovs.stopOvsdb();
    await using daemon = await node.start();
    const complaints = () =>
      daemon.lines().filter(({ level, message }) => level === 'warn' && message === 'ovsdb connection failed');
    const [complaint] = await until(() => (complaints().length > 0 ? complaints() : undefined), 'a complaint');
    assert.match(String(complaint?.remedy), /db\.sock exists/);
    await node.ovs.startOvsdb();
    await daemon.ready();
    assert.equal(complaints().length, 1);
  });
});

describe('tenet node', () => {
  let node: PrivateNode;
  let daemon: Daemon;
  const ROOM = 5;

  before(async () => {
    node = await privateNode();
    daemon = await node.start();
    await daemon.ready();
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });

  test('wires a pod: address, MAC, MTU, routes, port and flows are there when ADD returns, and gone after DEL', async () => {
    await node.unchanged(async () => {
      const { netns, containerId } = node.sandbox();
      const { status, json } = await node.cni({ pod: 'alpha/web', netns, containerId, ips: ['10.131.2.4'] });
      assert.equal(status, 0, JSON.stringify(json));
      assert.equal(json.cniVersion, '1.1.0');
      assert.equal(json.ips[0].address, '10.131.2.4/29');
      using pod = Netlink.open(netns);
      const link = pod.link('eth0');
      assert.equal(link?.mac?.toString(), Mac.fromIpv4(Ip.parse('10.131.2.4')).toString());
      assert.equal(link?.mtu, 1450);
      const routes = pod
        .routes({ family: 4, table: 254 })
        .map(({ destination, gateway }) => `${destination}${gateway === undefined ? '' : ` via ${gateway}`}`);
      assert.deepEqual(routes.sort(), ['0.0.0.0/0 via 10.131.2.1', '10.128.0.0/14', '10.131.2.0/29', '224.0.0.0/4']);
      const flows = await node.flows();
      assert.equal(flows.filter((flow) => flow.startsWith('cookie=0x20000000a830204')).length, 6);
      assert.ok(flows.some((flow) => flow.includes('reg0=0x5a2,reg1=0x5a2')));
      const { status: deleted } = await node.cni({ command: 'DEL', pod: 'alpha/web', netns, containerId });
      assert.equal(deleted, 0);
    });
  });

  test('gives a repeated ADD the same result and no second address, and lets DEL be repeated without a namespace', async () => {
    await node.unchanged(async () => {
      const { netns, containerId } = node.sandbox();
      const first = await node.cni({ pod: 'alpha/web', netns, containerId });
      const once = await node.footprint();
      const second = await node.cni({ pod: 'alpha/web', netns, containerId });
      assert.deepEqual(second, first);
      assert.deepEqual(await node.footprint(), once);
      for (let times = 0; times < 3; times++)
        assert.equal((await node.cni({ command: 'DEL', pod: 'alpha/web', containerId })).status, 0);
    });
  });

  test('wires as many pods at once as there are addresses and takes them all away', async () => {
    await node.unchanged(async () => {
      const boxes = Array.from({ length: ROOM }, () => node.sandbox());
      const added = await Promise.all(boxes.map((box) => node.cni({ pod: 'alpha/web', ...box })));
      assert.deepEqual(
        added.map(({ status }) => status),
        boxes.map(() => 0),
      );
      assert.equal(new Set(added.map(({ json }) => json.ips[0].address)).size, ROOM);
      await Promise.all(boxes.map(({ containerId }) => node.cni({ command: 'DEL', pod: 'alpha/web', containerId })));
    });
  });

  test('refuses a pod when the subnet is full, with one sentence and code 11, and leaves nothing of it', async () => {
    const boxes = Array.from({ length: ROOM }, () => node.sandbox());
    await node.unchanged(async () => {
      for (const box of boxes) assert.equal((await node.cni({ pod: 'alpha/web', ...box })).status, 0);
      await node.unchanged(async () => {
        const { status, json } = await node.cni({ pod: 'alpha/late', ...node.sandbox() });
        assert.equal(status, 1);
        assert.equal(json.code, 11);
        assert.match(json.msg, /no address is free in this node's subnet 10\.131\.2\.0\/29: 5 are leased/);
      });
      for (const { containerId } of boxes) await node.cni({ command: 'DEL', pod: 'alpha/web', containerId });
    });
  });

  const BAD_CALLS = [
    {
      name: 'garbage on stdin',
      call: { pod: 'alpha/web', stdin: '{"cniVersion": "1.0' },
      code: 6,
      says: /not a JSON object/,
    },
    { name: 'nothing on stdin', call: { pod: 'alpha/web', stdin: '' }, code: 6, says: /not a JSON object/ },
    {
      name: 'an address outside the subnet',
      call: { pod: 'alpha/web', ips: ['10.131.4.4'] },
      code: 11,
      says: /10\.131\.4\.4 is not one that a pod in 10\.131\.2\.0\/29 can have/,
    },
    { name: 'an address that is none', call: { pod: 'alpha/web', ips: ['ten'] }, code: 7, says: /is no address/ },
    {
      name: 'an unknown command',
      call: { pod: 'alpha/web', command: 'MOVE' },
      code: 4,
      says: /only ADD, DEL, CHECK, GC, STATUS and VERSION/,
    },
  ];
  for (const { name, call, code, says } of BAD_CALLS) {
    test(`refuses ${name} with code ${code} and leaves nothing`, async () => {
      await node.unchanged(async () => {
        const { status, json } = await node.cni({ ...node.sandbox(), ...call });
        assert.equal(status, 1);
        assert.equal(json.code, code, JSON.stringify(json));
        assert.match(json.msg, says);
      });
    });
  }

  test('refuses a sandbox that does not exist and leaves nothing', async () => {
    await node.unchanged(async () => {
      const { status, json } = await node.cni({ pod: 'alpha/web', netns: '/run/netns/tenet-no-such' });
      assert.equal(status, 1);
      assert.match(json.msg, /network namespace \/run\/netns\/tenet-no-such does not exist/);
    });
  });

  test('waits for the VNID of a new project, and says so when it does not come', async () => {
    await node.unchanged(async () => {
      const { status, json } = await node.cni({ pod: 'nobody/web', ...node.sandbox() });
      assert.equal(status, 1);
      assert.equal(json.code, 11);
      assert.match(json.msg, /project nobody has no VNID yet, waited 10000 ms/);
    });
  });

  test('wires a pod whose project gets its VNID while the pod waits', async () => {
    const { netns, containerId } = node.sandbox();
    const adding = node.cni({ pod: 'late/web', netns, containerId });
    await node.kube.create('NetNamespace', { metadata: { name: 'late' }, netname: 'late', netid: 0x777 });
    assert.equal((await adding).status, 0);
    assert.ok((await node.flows()).some((flow) => flow.includes('reg0=0x777,reg1=0x777')));
    await node.cni({ command: 'DEL', pod: 'late/web', containerId });
  });

  test('answers VERSION', async () => {
    const { status, json } = await node.cni({ command: 'VERSION', pod: 'alpha/web' });
    assert.equal(status, 0);
    assert.deepEqual(json.supportedVersions, ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']);
  });

  describe('mends by itself', () => {
    const mgmt = () => node.ovs.mgmt('br0');

    test('a flow that somebody deleted, one that somebody changed and one that somebody added', async () => {
      const before = await node.flows();
      await run('ovs-ofctl', ['-OOpenFlow14', 'del-flows', mgmt(), 'table=80']);
      await run('ovs-ofctl', ['-OOpenFlow14', 'add-flow', mgmt(), 'table=0,priority=65000,ip,actions=NORMAL']);
      await run('ovs-ofctl', [
        '-OOpenFlow14',
        'add-flow',
        mgmt(),
        'table=0,priority=66,tcp,actions=learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])',
      ]);
      await until(
        async () => ((await node.flows()).join('\n') === before.join('\n') ? true : undefined),
        'the flows are back',
        10_000,
      );
    });

    test("tun0's address, routes and link", async () => {
      const routes = () =>
        node.netlink
          .routes({ family: 4, table: 254 })
          .filter(({ link }) => link === 'tun0')
          .map(({ destination }) => String(destination))
          .sort();
      const before = routes();
      assert.deepEqual(before, ['10.128.0.0/14', '172.30.0.0/16']);
      node.netlink.deleteAddress({ link: 'tun0', address: Ip.parse('10.131.2.1'), prefixLength: 29 });
      node.netlink.changeLink('tun0', { up: false });
      await until(() => (routes().join() === before.join() ? true : undefined), 'the routes are back', 10_000);
      node.netlink.replaceRoute({ destination: Prefix.parse('10.131.2.0/29'), link: 'tun0' });
      await until(() => (routes().join() === before.join() ? true : undefined), 'the stray route is gone', 10_000);
      const address = node.netlink.addresses().find(({ link, address: { family } }) => link === 'tun0' && family === 4);
      assert.equal(String(address?.address), '10.131.2.1');
    });

    test('rules that somebody flushed, and none of others', async () => {
      const namespace = `/run/netns/${node.ovs.netns}`;
      await iptablesRestore('*filter\n-A FORWARD -s 192.0.2.1 -j DROP\nCOMMIT\n', { namespace, noflush: true });
      await iptablesRestore('*filter\n-F TENET-GUARD\n-D FORWARD -j TENET-GUARD\nCOMMIT\n', {
        namespace,
        noflush: true,
      });
      const chain = async (name: string) => {
        const { tables } = await node.rules();
        return (
          tables
            .get('filter')
            ?.chains.get(name)
            ?.rules.map(({ text }) => text) ?? []
        );
      };
      await until(
        async () =>
          (await chain('FORWARD'))[0] === '-j TENET-GUARD' && (await chain('TENET-GUARD')).length === 3
            ? true
            : undefined,
        'the guard is back',
        20_000,
      );
      assert.ok((await chain('FORWARD')).some((text) => text.includes('192.0.2.1')));
    });

    test('everything, after ovs-vswitchd was killed and came back', async () => {
      const before = await node.flows();
      await node.ovs.stopVswitchd('SIGKILL');
      await node.ovs.startVswitchd();
      await until(
        async () => ((await node.flows().catch(() => [])).join('\n') === before.join('\n') ? true : undefined),
        'the flows are back',
        10_000,
      );
      const { stdout } = await run('ovs-ofctl', ['-OOpenFlow14', 'get-frags', mgmt()]);
      assert.match(stdout, /nx-match/);
    });
  });

  test('says once that its HostSubnet has changed, and stays what it is', async () => {
    const complaints = () => daemon.lines().filter(({ what }) => what === 'own subnet');
    await node.kube.patch('HostSubnet', { name: NODE }, { subnet: '10.131.4.0/29' });
    await until(() => (complaints().length > 0 ? true : undefined), 'a complaint');
    assert.match(String(complaints()[0]?.error), /says 10\.122\.70\.72 with 10\.131\.4\.0\/29 now/);
    await node.kube.patch('HostSubnet', { name: NODE }, { subnet: '10.131.2.0/29' });
    await until(
      () => (complaints().some(({ message }) => message === 'step works again') ? true : undefined),
      'the end of it',
    );
    assert.equal(complaints().length, 2);
  });

  test('started again with nothing changed sends no flow, port, route or rule', async () => {
    const { netns, containerId } = node.sandbox();
    await node.cni({ pod: 'alpha/web', netns, containerId });
    const before = await node.footprint();
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    daemon = await node.start();
    await daemon.ready();
    assert.deepEqual(await node.footprint(), before);
    const changes = daemon.lines().filter(({ message }) => /reconciled|mended/.test(message));
    assert.deepEqual(changes, []);
    assert.equal((await node.cni({ command: 'DEL', pod: 'alpha/web', containerId })).status, 0);
  });

  test('that was stopped is no reason to hang: the plugin says so with code 11', async () => {
    const daemonBefore = daemon;
    daemonBefore.child.kill('SIGKILL');
    await daemonBefore.ended;
    const { status, json } = await node.cni({ pod: 'alpha/web', ...node.sandbox() });
    assert.equal(status, 1);
    assert.equal(json.code, 11);
    assert.match(json.msg, /the node's daemon does not answer/);
    daemon = await node.start();
    await daemon.ready();
  });
});
