/** CHECK, STATUS and GC (CNI 1.1.0, section 2) of a real node: what they find, what they leave alone, what they answer. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { deleteNamespace, inNamespace, Netlink, setTxChecksum, writeSysctl } from '@tenet/host';
import { Mac, Prefix } from '@tenet/std';
import { addPod, deletePods, type WiredByPlugin } from './pod-fixture.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const run = promisify(execFile);

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

function check(pod: WiredByPlugin, change: { readonly prevResult?: object; readonly version?: string } = {}) {
  const { netns, containerId, result } = pod;
  return node.cni({ command: 'CHECK', pod: 'alpha/web', netns, containerId, prevResult: result, ...change });
}

describe('CHECK', () => {
  test('succeeds in each version that has it, and prints nothing', async () => {
    await node.unchanged(async () => {
      const pod = await addPod(node);
      for (const version of ['0.4.0', '1.0.0', '1.1.0'])
        assert.deepEqual(await check(pod, { version }), { status: 0, json: undefined });
      await deletePods(node, pod);
    });
  });

  test('fails with code 3 for a container that was never attached, and with code 1 before version 0.4.0', async () => {
    const pod = await addPod(node);
    const { containerId } = node.sandbox();
    assert.equal((await check({ ...pod, containerId })).json.code, 3);
    assert.equal((await check(pod, { version: '0.3.1' })).json.code, 1);
    await deletePods(node, pod);
  });

  /** What is done to a pod, and what CHECK says of it: the first thing that is wrong, in the order of a packet's way. */
  const WRONG: readonly {
    readonly name: string;
    readonly spoil: (pod: WiredByPlugin) => unknown;
    readonly says: (pod: WiredByPlugin) => string;
  }[] = [
    {
      name: "the pod's interface is down",
      spoil: ({ netns }) => inPod(netns, (pod) => pod.changeLink('eth0', { up: false })),
      says: ({ netns }) => `eth0 in ${netns} is down`,
    },
    {
      name: 'it has another MTU',
      spoil: ({ netns }) => inPod(netns, (pod) => pod.changeLink('eth0', { mtu: 1400 })),
      says: ({ netns }) => `eth0 in ${netns} has an MTU of 1400 bytes instead of 1450`,
    },
    {
      name: 'it has another MAC',
      spoil: ({ netns }) => inPod(netns, (pod) => pod.changeLink('eth0', { mac: Mac.parse('0a:58:00:00:00:01') })),
      says: ({ netns, ip }) => `eth0 in ${netns} has the MAC 0a:58:00:00:00:01 instead of ${Mac.fromIpv4(ip)}`,
    },
    {
      name: 'its address is gone',
      spoil: ({ netns, ip }) =>
        inPod(netns, (pod) => pod.deleteAddress({ link: 'eth0', address: ip, prefixLength: 28 })),
      says: ({ netns, ip }) => `eth0 in ${netns} does not have the address ${ip}/28`,
    },
    {
      name: 'its default route is gone',
      spoil: ({ netns }) => inPod(netns, (pod) => pod.deleteRoute({ destination: Prefix.parse('0.0.0.0/0') })),
      says: ({ netns }) => `${netns} has no route to 0.0.0.0/0 on eth0`,
    },
    {
      name: 'its end of the link leaves checksums to others, which the userspace datapath does not finish',
      spoil: ({ netns }) => inNamespace(netns, () => setTxChecksum('eth0', true)),
      says: ({ netns }) => `eth0 in ${netns} leaves checksums to be filled in`,
    },
    {
      name: "the kernel's own stack would believe whatever source a pod gives",
      spoil: ({ veth }) =>
        inNamespace(`/run/netns/${node.ovs.netns}`, () => writeSysctl(`net.ipv4.conf.${veth}.rp_filter`, '0')),
      says: ({ veth }) => `net.ipv4.conf.${veth}.rp_filter is 0 instead of 1`,
    },
    {
      name: 'the veth is gone',
      spoil: ({ veth }) => node.netlink.deleteLink(veth),
      says: ({ veth }) => `there is no ${veth} on the host`,
    },
  ];
  for (const { name, spoil, says } of WRONG) {
    test(`fails with code 100 and says so when ${name}`, async () => {
      await node.unchanged(async () => {
        const pod = await addPod(node);
        spoil(pod);
        const { status, json } = await check(pod);
        assert.deepEqual([status, json.code, json.msg], [1, 100, says(pod)]);
        await deletePods(node, pod);
      });
    });
  }

  const PREVIOUS: readonly { readonly name: string; readonly change: object; readonly says: RegExp }[] = [
    {
      name: 'names no interface of the sandbox',
      change: { interfaces: [] },
      says: /^prevResult has no interface eth0 /,
    },
    {
      name: 'has another address',
      change: { ips: [{ address: '10.131.2.14/28', interface: 1 }] },
      says: /^prevResult does not have 10\.131\.2\.\d+\/28, which is leased to eth0, on it$/,
    },
  ];
  for (const { name, change, says } of PREVIOUS) {
    test(`fails with code 100 when the result to compare with ${name}`, async () => {
      const pod = await addPod(node);
      const { json } = await check(pod, { prevResult: { ...pod.result, ...change } });
      assert.equal(json.code, 100);
      assert.match(json.msg, says);
      await deletePods(node, pod);
    });
  }

  test('does not ask for a route that a plugin after us has taken out of the result', async () => {
    const pod = await addPod(node);
    inPod(pod.netns, (netlink) => netlink.deleteRoute({ destination: Prefix.parse('0.0.0.0/0') }));
    const routes = [{ dst: '10.128.0.0/14' }];
    assert.equal((await check(pod, { prevResult: { ...pod.result, routes } })).status, 0);
    await deletePods(node, pod);
  });
});

describe('STATUS', () => {
  const status = (version = '1.1.0') => node.cni({ command: 'STATUS', pod: 'alpha/web', version });

  test('succeeds on a node that is ready, and prints nothing', async () => {
    assert.deepEqual(await status(), { status: 0, json: undefined });
    assert.equal((await status('1.0.0')).json.code, 1);
  });

  test('is 50 without ovs-vswitchd, and 51 when there are pods that this cuts off', async () => {
    const pod = await addPod(node);
    await node.ovs.stopVswitchd('SIGKILL');
    const failing = await until(async () => {
      const { json } = await status();
      return json?.code === 51 ? json : undefined;
    }, 'STATUS notices');
    assert.match(
      failing.msg,
      /^no pod can be attached, and \d+ that are here may be cut off: Open vSwitch is not connected/,
    );
    assert.match(failing.details, /^check that ovsdb-server and ovs-vswitchd are running/);
    await node.ovs.startVswitchd();
    await until(async () => ((await status()).status === 0 ? true : undefined), 'STATUS is fine again');
    await deletePods(node, pod);
    await node.ovs.stopVswitchd('SIGKILL');
    await until(async () => ((await status()).json?.code === 50 ? true : undefined), 'STATUS notices');
    await node.ovs.startVswitchd();
    await until(async () => ((await status()).status === 0 ? true : undefined), 'STATUS is fine again');
  });

  test('is 50 without ovsdb-server, and 51 when there are pods, for which the userspace datapath stops then', async () => {
    for (const code of [50, 51]) {
      const pods = code === 51 ? [await addPod(node)] : [];
      await node.ovs.stopOvsdb('SIGKILL');
      await until(async () => ((await status()).json?.code === code ? true : undefined), 'STATUS notices');
      await node.ovs.startOvsdb();
      await until(async () => ((await status()).status === 0 ? true : undefined), 'STATUS is fine again');
      await until(
        async () => ((await node.flows().catch(() => [])).length > 0 ? true : undefined),
        'the switch answers',
      );
      await deletePods(node, ...pods);
    }
  });

  test('is fine when no address is free: a node that is called not ready loses its pods', async () => {
    await node.unchanged(async () => {
      const ROOM = 13;
      const pods: WiredByPlugin[] = [];
      while (pods.length < ROOM) pods.push(await addPod(node));
      assert.equal((await status()).status, 0);
      await deletePods(node, ...pods);
    });
  });

  test('is 50 when leases cannot be written, also with pods here', async () => {
    const pod = await addPod(node);
    await node.unchanged(async () => {
      await run('chattr', ['+i', node.leases]);
      try {
        const { json } = await status();
        assert.equal(json.code, 50);
        assert.match(json.msg, /^no pod can be attached: cannot write .*\/leases\/.*: EPERM/);
        assert.match(json.details, /^check space and permissions of the file system/);
      } finally {
        await run('chattr', ['-i', node.leases]);
      }
      assert.equal((await status()).status, 0);
    });
    await deletePods(node, pod);
  });

  test('is 50 without the daemon, 51 when this node has pods; every other call is 11 at once', async () => {
    const pod = await addPod(node);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    assert.equal((await status()).json.code, 51);
    for (const command of ['ADD', 'CHECK', 'DEL', 'GC']) {
      const { json } = await node.cni({
        command,
        pod: 'alpha/web',
        ...node.sandbox(),
        prevResult: pod.result,
        valid: [],
      });
      assert.equal(json.code, 11, command);
      assert.match(json.msg, /^the node's daemon does not answer at /);
    }
    daemon = await node.start();
    await daemon.ready();
    await deletePods(node, pod);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    assert.equal((await status()).json.code, 50);
    daemon = await node.start();
    await daemon.ready();
  });
});

describe('GC', () => {
  const collect = (...valid: readonly { readonly containerId: string }[]) =>
    node.cni({ command: 'GC', pod: 'alpha/web', valid });

  test('without a list is refused with code 7, and touches nothing', async () => {
    const pod = await addPod(node);
    await node.unchanged(async () => {
      assert.equal((await node.cni({ command: 'GC', pod: 'alpha/web' })).json.code, 7);
    });
    await deletePods(node, pod);
  });

  test('keeps what is in the list, whole, and removes all else: port, flows, veth, lease', async () => {
    const kept = await addPod(node);
    await node.unchanged(async () => {
      await addPod(node);
      // One whose sandbox is still there, and one without, as after a crash of the runtime.
      deleteNamespace((await addPod(node)).netns);
      assert.deepEqual(await collect(kept), { status: 0, json: undefined });
      assert.equal((await check(kept)).status, 0);
    });
    await deletePods(node, kept);
  });

  test('frees a full subnet', async () => {
    await node.unchanged(async () => {
      const ROOM = 13;
      for (let pod = 0; pod < ROOM; pod++) await addPod(node);
      assert.match((await node.cni({ pod: 'alpha/late', ...node.sandbox() })).json.msg, /no address is free/);
      assert.equal((await collect()).status, 0);
      await deletePods(node, await addPod(node));
    });
  });

  test('removes what is left of an attachment: a lease alone, a port alone, a veth alone', async () => {
    await node.unchanged(async () => {
      const lease = await addPod(node);
      await node.ovs.vsctl('del-port', 'br0', lease.veth);
      node.netlink.deleteLink(lease.veth);
      const port = await addPod(node);
      daemon.child.kill('SIGKILL');
      await daemon.ended;
      rmSync(join(node.leases, String(port.ip)));
      writeFileSync(join(node.leases, '10.131.2.13'), '');
      const veth = 'veth0badcafe';
      node.netlink.addVeth({ name: veth, peer: { name: 'veth0badcaff' } });
      node.netlink.changeLink(veth, { master: 'tenet-sink' });
      daemon = await node.start();
      await daemon.ready();
      assert.deepEqual(await collect(), { status: 0, json: undefined });
    });
  });

  test('removes the others when one cannot be removed, and says so', async () => {
    const stuck = await addPod(node);
    const other = await addPod(node);
    // A lease that cannot be changed, as on a disk that went bad: its pod stays whole.
    await run('chattr', ['+i', join(node.leases, String(stuck.ip))]);
    try {
      const { status, json } = await collect();
      assert.equal(status, 1);
      assert.equal(json.code, 11);
      assert.match(json.msg, /^1 of 2 stale attachments could not be removed, the first: cannot write .*: EPERM/);
      assert.deepEqual(
        readdirSync(node.leases).filter((name) => name !== 'cursor'),
        [String(stuck.ip)],
      );
      assert.notEqual(String(other.ip), String(stuck.ip));
    } finally {
      await run('chattr', ['-i', join(node.leases, String(stuck.ip))]);
    }
    assert.equal((await collect()).status, 0);
    assert.deepEqual((await node.footprint()).leases, []);
  });
});

function inPod(netns: string, change: (netlink: Netlink) => void): void {
  using netlink = Netlink.open(netns);
  change(netlink);
}
