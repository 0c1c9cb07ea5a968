/** `tenet node` when something goes wrong in the middle: kills, stalls, wrong hands on the switch, a lost lease. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Netlink } from '@tenet/host';
import { buildFrame, Ip, Mac, toHex } from '@tenet/std';
import { holdTunnelNumber } from './hold-tunnel-number.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const run = promisify(execFile);

let node: PrivateNode;
let daemon: Daemon;

before(async () => {
  node = await privateNode();
  daemon = await node.start();
  await daemon.ready();
});
after(async () => {
  await daemon[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

/** A pod for the time of `body`. */
async function withPod(
  body: (pod: { netns: string; containerId: string; veth: string; ip: Ip }) => Promise<void>,
): Promise<void> {
  const { netns, containerId } = node.sandbox();
  const { status, json } = await node.cni({ pod: 'alpha/web', netns, containerId });
  assert.equal(status, 0, JSON.stringify(json));
  const ip = Ip.parse(json.ips[0].address.split('/')[0]);
  await body({ netns, containerId, veth: json.interfaces[0].name, ip });
  assert.equal((await node.cni({ command: 'DEL', pod: 'alpha/web', containerId })).status, 0);
}

async function restart(): Promise<void> {
  daemon.child.kill('SIGKILL');
  await daemon.ended;
  daemon = await node.start();
  await daemon.ready();
}

describe('tenet node touches nothing that is not its own', () => {
  test('in a sandbox whose interface name is taken', async () => {
    await node.unchanged(async () => {
      const { netns, containerId } = node.sandbox();
      using pod = Netlink.open(netns);
      pod.addBridge('eth0');
      const { status, json } = await node.cni({ pod: 'alpha/web', netns, containerId });
      assert.equal(status, 1);
      assert.match(json.msg, /has an interface eth0 already, which is not ours/);
      assert.equal(pod.link('eth0')?.kind, 'bridge');
    });
  });

  test("when CNI_NETNS is the node's own namespace", async () => {
    await node.unchanged(async () => {
      const { status, json } = await node.cni({ pod: 'alpha/web', netns: `/run/netns/${node.ovs.netns}` });
      assert.equal(status, 1);
      assert.match(json.msg, /is the node's own network namespace/);
    });
    assert.ok(node.netlink.addresses().some(({ link }) => link === 'eth0'));
  });
});

describe('an ADD returns only when the switch carries the pod', () => {
  test('so it fails while vxlan0 is misplaced, when nothing is forwarded, and leaves nothing', async () => {
    await node.unchanged(async () => {
      {
        await using _held = await holdTunnelNumber(node.ovs);
        const { status, json } = await node.cni({ pod: 'alpha/web', ...node.sandbox() });
        assert.equal(status, 1, JSON.stringify(json));
        assert.equal(json.code, 11);
        assert.match(json.msg, /^vxlan0 has OpenFlow port \d+ instead of 1, so nothing is forwarded$/);
        assert.deepEqual((await node.footprint()).leases, []);
      }
      await until(
        async () => ((await node.ovs.vsctl('get', 'Interface', 'vxlan0', 'ofport')).trim() === '1' ? true : undefined),
        'vxlan0 is port 1 again',
      );
      await until(async () => ((await node.flows()).length > 60 ? true : undefined), 'the flows are back');
    });
  });
});

describe('the address of a running pod', () => {
  test('is not given away when its lease was lost', async () => {
    await withPod(async ({ ip, containerId }) => {
      rmSync(join(node.leases, String(ip)));
      await restart();
      const { status, json } = await node.cni({ pod: 'alpha/thief', ...node.sandbox(), ips: [String(ip)] });
      assert.equal(status, 1);
      assert.match(json.msg, new RegExp(`the requested address ${ip} is leased to ${containerId}/eth0`));
    });
  });

  test('is given again only after the switch has forgotten its service connections', async () => {
    const tracked = () => node.ovs.appctl('dpctl/dump-conntrack', 'zone=25');
    await withPod(async ({ ip }) => {
      for (let port = 0; port < 20; port++) {
        const frame = buildFrame({
          ethernet: { source: Mac.parse('0a:58:00:00:00:01'), destination: Mac.parse('0a:58:00:00:00:02') },
          network: {
            kind: 'ipv4',
            header: { source: ip, destination: Ip.parse('10.131.2.99'), ttl: 64 },
            transport: { kind: 'udp', header: { sourcePort: 5000 + port, destinationPort: 53 } },
          },
        });
        const packetOut = `in_port=2,packet=${toHex(frame)},actions=ct(commit,zone=25)`;
        await run('ovs-ofctl', ['-OOpenFlow14', 'packet-out', node.ovs.mgmt('br0'), packetOut]);
      }
      assert.match(await tracked(), new RegExp(`src=${ip},`));
    });
    assert.equal((await tracked()).trim(), '');
  });
});

describe('what the daemon hears it acts on at once', () => {
  test('a VNID that changes is in the flows within half a second, three times', async () => {
    await withPod(async () => {
      for (const netid of [0x111, 0x222, 0x5a2]) {
        await node.kube.patch('NetNamespace', { name: 'alpha' }, { netid });
        const wanted = `reg0=0x${netid.toString(16)},reg1=0x${netid.toString(16)}`;
        await until(
          async () => ((await node.flows()).some((flow) => flow.includes(wanted)) ? true : undefined),
          wanted,
          500,
        );
      }
    });
  });

  test('a peer that comes and goes is in the flows and out of them', async () => {
    await node.unchanged(async () => {
      const peer = { metadata: { name: 'n2' }, host: 'n2', hostIP: '10.122.70.73', subnet: '10.130.0.0/23' };
      const named = async () => (await node.flows()).filter((flow) => flow.includes('10.122.70.73')).length;
      await node.kube.create('HostSubnet', peer);
      // Three to let in and one to refuse in table 10, and one each in 50 and 90.
      await until(async () => ((await named()) === 6 ? true : undefined), 'six flows of the peer', 1000);
      await node.kube.delete('HostSubnet', { name: 'n2' });
      await until(async () => ((await named()) === 0 ? true : undefined), 'no flow of the peer', 1000);
    });
  });

  test("a pod's port that asks for another's number keeps its own, and one that moves keeps its flows", async () => {
    await withPod(async (first) => {
      await withPod(async (second) => {
        const column = async (veth: string, name: string) =>
          (await node.ovs.vsctl('get', 'Interface', veth, name)).trim();
        const own = await column(second.veth, 'ofport');
        await node.ovs.vsctl('set', 'Interface', second.veth, `ofport_request=${await column(first.veth, 'ofport')}`);
        await until(
          async () => ((await column(second.veth, 'ofport_request')) === own ? true : undefined),
          'it asks for its own number',
        );
        // Asleep, or it may see the wish before the switch grants it, and take it back.
        daemon.child.kill('SIGSTOP');
        await node.ovs.vsctl('set', 'Interface', second.veth, 'ofport_request=999');
        assert.equal(await column(second.veth, 'ofport'), '999');
        daemon.child.kill('SIGCONT');
        await until(
          async () =>
            (await node.flows()).some((flow) => flow.includes(`in_port=999`) && flow.includes(`nw_src=${second.ip}`))
              ? true
              : undefined,
          'flows of port 999',
        );
      });
    });
  });
});

describe('the plugin gets an answer', () => {
  test('from one daemon only: a second one refuses to start and takes nothing away', async () => {
    await using second = await node.start();
    assert.equal(await second.ended, 1);
    assert.match(second.text(), /another daemon answers at /);
    await withPod(async () => {});
  });

  test('also after somebody has removed the socket', async () => {
    rmSync(join(node.ovs.directory, 'cni.sock'));
    await until(
      async () => ((await node.cni({ command: 'DEL', pod: 'alpha/web' })).status === 0 ? true : undefined),
      'an answer',
    );
  });

  test('within 40 s when ovs-vswitchd hangs, and nothing is left once it goes on', async () => {
    await node.unchanged(async () => {
      const box = node.sandbox();
      const pid = Number(readFileSync(join(node.ovs.directory, 'ovs-vswitchd.pid'), 'utf8'));
      process.kill(pid, 'SIGSTOP');
      try {
        const { status, json } = await node.cni({ pod: 'alpha/web', ...box });
        assert.equal(status, 1);
        assert.equal(json.code, 11);
        assert.doesNotMatch(json.msg, /daemon does not answer/);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await until(
        async () =>
          (await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: box.containerId })).status === 0
            ? true
            : undefined,
        'DEL works',
      );
    });
  });

  test('when the daemon is told to stop, which it does at once', async () => {
    const adding = node.cni({ pod: 'nobody/web', ...node.sandbox() });
    await pause(300);
    const startMs = performance.now();
    daemon.child.kill('SIGTERM');
    assert.equal(await daemon.ended, 0);
    assert.ok(performance.now() - startMs < 5_000, 'the daemon waited for a call that waits');
    assert.equal((await adding).status, 1);
    daemon = await node.start();
    await daemon.ready();
  });
});

describe('a kill -9 of the daemon', () => {
  // From before the daemon has the call until after the pod is wired: an ADD takes some 100 ms, most of it the plugin's start.
  for (const delayMs of [20, 60, 80, 100, 120, 140, 180]) {
    test(`${delayMs} ms into an ADD leaves nothing that DEL does not find, and the ADD can be repeated`, async () => {
      await node.unchanged(async () => {
        const box = node.sandbox();
        const adding = node.cni({ pod: 'alpha/web', ...box });
        await pause(delayMs);
        await restart();
        await adding;
        const again = await node.cni({ pod: 'alpha/web', ...box });
        assert.equal(again.status, 0, JSON.stringify(again.json));
        assert.equal((await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: box.containerId })).status, 0);
      });
    });
  }
});
