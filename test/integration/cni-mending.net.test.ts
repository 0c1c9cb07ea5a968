/** What becomes of pods whose ports are taken away, and of what is left of pods that are gone: on a real node. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { copyFile, mkdtempDisposable, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { deleteNamespace, Netlink } from '@tenet/host';
import { addPort, ensureBridge, OpenVSwitch } from '@tenet/ovsdb';
import { ARTICLE_NODE } from '@tenet/pipeline';
import { Ip, type LogFacts, type Logger, Prefix, SILENT } from '@tenet/std';
import { hostVethName } from '../../packages/agent/src/cni/attachment.ts';
import { CallParts } from '../../packages/agent/src/cni/call-parts.ts';
import { detach } from '../../packages/agent/src/cni/detach.ts';
import { KeyedQueue } from '../../packages/agent/src/cni/keyed-queue.ts';
import { VanishedSandboxes } from '../../packages/agent/src/cni/vanished-sandboxes.ts';
import type { Wiring } from '../../packages/agent/src/cni/wiring.ts';
import { Leases } from '../../packages/agent/src/ipam/leases.ts';
import { externalIdsOf } from '../../packages/agent/src/wired-pods.ts';
import { addPod, deletePods, pings } from './pod-fixture.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';
import { type PrivateOvs, privateOvs } from './private-ovs.ts';

describe('a port that somebody took off br0', () => {
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

  const TAKEN: readonly { readonly how: string; readonly take: (veth: string) => Promise<unknown> }[] = [
    { how: 'deleted', take: (veth) => node.ovs.vsctl('del-port', 'br0', veth) },
    { how: 'robbed of its external_ids', take: (veth) => node.ovs.vsctl('clear', 'Interface', veth, 'external_ids') },
    { how: 'deleted with all of br0', take: () => node.ovs.vsctl('del-br', 'br0') },
  ];
  for (const { how, take } of TAKEN) {
    test(`comes back as it was when it was ${how}, and packets flow again`, async () => {
      await node.unchanged(async () => {
        const [web, client] = [await addPod(node), await addPod(node, { pod: 'alpha/client' })];
        assert.ok(await pings(client, web.ip));
        const before = await node.footprint();
        const idsBefore = await node.ovs.vsctl('get', 'Interface', web.veth, 'external_ids', 'ofport_request');
        await take(web.veth);
        const startMs = performance.now();
        await until(async () => {
          const now = await node.footprint();
          return now.flows.join() === before.flows.join() && now.ports.join() === before.ports.join()
            ? true
            : undefined;
        }, 'ports and flows are as before');
        console.log(`# a port ${how}: back after ${Math.round(performance.now() - startMs)} ms`);
        const idsNow = await node.ovs.vsctl('get', 'Interface', web.veth, 'external_ids', 'ofport_request');
        assert.equal(idsNow, idsBefore);
        assert.ok(await pings(client, web.ip));
        await deletePods(node, web, client);
      });
      assert.ok(daemon.lines().some(({ message }) => message === 'lost port restored'));
    });
  }

  test('while the daemon was away comes back when it starts', async () => {
    await node.unchanged(async () => {
      const [web, client] = [await addPod(node), await addPod(node, { pod: 'alpha/client' })];
      daemon.child.kill('SIGKILL');
      await daemon.ended;
      await node.ovs.vsctl('del-br', 'br0');
      daemon = await node.start();
      await daemon.ready();
      await until(async () => ((await pings(client, web.ip)) ? true : undefined), 'web answers');
      await deletePods(node, web, client);
    });
  });

  test('does not come back when a DEL took it that failed then, not even after a restart; the next DEL goes through', async () => {
    await node.unchanged(async () => {
      const [leaving, other] = [await addPod(node), await addPod(node, { pod: 'alpha/other' })];
      const restored = () => daemon.lines().filter(({ message }) => message === 'lost port restored').length;
      /** Several passes have gone by when the other's port is back. */
      const passesGoBy = async () => {
        const before = restored();
        await node.ovs.vsctl('del-port', 'br0', other.veth);
        await until(() => (restored() > before ? true : undefined), "the other's port is back");
        assert.ok(!(await node.footprint()).ports.includes(leaving.veth));
      };
      const pidFile = join(node.ovs.directory, 'ovs-vswitchd.pid');
      // Nobody finds the switch's control socket any more, so that its conntrack cannot be looked at.
      await rename(pidFile, `${pidFile}.away`);
      const { status, json } = await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: leaving.containerId });
      assert.equal(status, 1);
      assert.match(json.msg, /ovs-vswitchd\.pid/);
      await passesGoBy();
      await rename(`${pidFile}.away`, pidFile);
      daemon.child.kill('SIGKILL');
      await daemon.ended;
      daemon = await node.start();
      await daemon.ready();
      await passesGoBy();
      await deletePods(node, leaving, other);
    });
  });

  test('does not come back when its pod is gone: with the veth it went for good', async () => {
    await node.unchanged(async () => {
      const pod = await addPod(node);
      deleteNamespace(pod.netns);
      await until(() => (node.netlink.link(pod.veth) === undefined ? true : undefined), 'the veth is gone');
      await node.ovs.vsctl('del-port', 'br0', pod.veth);
      const restored = () => daemon.lines().filter(({ message }) => message === 'lost port restored').length;
      const restoredBefore = restored();
      // A port of another pod, deleted later, comes back in a later pass, which had to pass this one over.
      const other = await addPod(node);
      await node.ovs.vsctl('del-port', 'br0', other.veth);
      await until(() => (restored() > restoredBefore ? true : undefined), 'the other port is back');
      assert.equal(restored(), restoredBefore + 1);
      assert.ok(!(await node.footprint()).ports.includes(pod.veth));
      await deletePods(node, pod, other);
    });
  });
});

describe('what is left of a pod', () => {
  const GRACE_MS = 60_000;
  const IP = Ip.parse('10.131.2.4');
  const ATTACHMENT = { containerId: 'c1', ifName: 'eth0' };
  const VETH = hostVethName(ATTACHMENT);
  const POD = { namespace: 'alpha', name: 'web', uid: 'u1' };
  let ovs: PrivateOvs;
  let client: OpenVSwitch;
  let netlink: Netlink;

  before(async () => {
    ovs = await privateOvs();
    const clock = { nowMs: () => Date.now(), sleep: (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms)) };
    client = new OpenVSwitch({ path: ovs.dbSocket, clock, random: () => 0.5 });
    netlink = Netlink.open(`/run/netns/${ovs.netns}`);
    await ensureBridge(client, { name: 'br0', datapath_type: 'netdev', fail_mode: 'secure' });
  });
  after(async () => {
    netlink?.[Symbol.dispose]();
    await client?.[Symbol.asyncDispose]();
    await ovs?.[Symbol.asyncDispose]();
  });

  /** A node with one pod: its lease, and its port when `hasPort`. Time is the test's. */
  async function nodeWithPod(directory: string, { netns, hasPort = true }: { netns: string; hasPort?: boolean }) {
    const told: (LogFacts | undefined)[] = [];
    const log: Logger = { ...SILENT, info: (_phrase, facts) => void told.push(facts) };
    const leases = new Leases(directory, { subnet: Prefix.parse('10.131.2.0/28'), log });
    leases.markAttached(leases.acquire({ attachment: ATTACHMENT, netns, pod: POD, network: 'tenet' }, IP));
    if (hasPort) {
      // Its device may be gone: a row of the database is all that it takes.
      const external_ids = externalIdsOf({ attachment: ATTACHMENT, pod: POD, netns, ip: IP });
      await addPort(client, { bridge: 'br0', name: VETH, external_ids }).catch(() => {});
    }
    const wiring: Wiring = {
      node: ARTICLE_NODE.node,
      ovs: client,
      netlink,
      log,
      leases,
      queue: new KeyedQueue(),
      detaching: new Set(),
      vnidOf: () => Promise.reject(new Error('no project is asked for')),
      syncFlows: () => Promise.resolve(),
      whyNotCarried: () => undefined,
      installedFlows: () => undefined,
      whyNotReady: () => undefined,
      flushConntrack: () => Promise.resolve(),
    };
    let nowMs = 0;
    const vanished = new VanishedSandboxes(wiring, { graceMs: GRACE_MS, nowMs: () => nowMs });
    const passAt = async (ms: number, changed?: Wiring) => {
      nowMs = ms;
      const looking = changed === undefined ? vanished : new VanishedSandboxes(changed, { graceMs: GRACE_MS });
      await looking.detachGone(AbortSignal.timeout(20_000));
    };
    const isThere = () => ({ lease: leases.of(ATTACHMENT) !== undefined, port: client.cache.port(VETH) !== undefined });
    return { wiring, told, passAt, isThere };
  }

  const GONE = '/run/netns/tenet-no-such-sandbox';
  const KEPT = [
    { name: 'its namespace is there', netns: '/proc/self/ns/net', hasVeth: false },
    { name: 'its veth is there', netns: GONE, hasVeth: true },
    { name: 'nobody knows where its sandbox was', netns: '', hasVeth: false },
  ];
  for (const { name, netns, hasVeth } of KEPT) {
    test(`detachGone() never touches a pod when ${name}`, async () => {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-leases-'));
      if (hasVeth) netlink.addVeth({ name: VETH, peer: { name: 'peer' } });
      const { passAt, isThere, told, wiring } = await nodeWithPod(directory.path, { netns });
      for (const hours of [0, 1, 2]) await passAt(hours * 3_600_000);
      assert.deepEqual(isThere(), { lease: true, port: true });
      assert.deepEqual(told, []);
      netlink.deleteLink(VETH);
      await takeAway(wiring);
    });
  }

  for (const hasPort of [true, false]) {
    test(`detachGone() removes a pod${hasPort ? '' : ' without a port'} when both are gone for the grace, and says so once`, async () => {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-leases-'));
      const { passAt, isThere, told } = await nodeWithPod(directory.path, { netns: GONE, hasPort });
      await passAt(0);
      await passAt(GRACE_MS - 1);
      assert.deepEqual(isThere(), { lease: true, port: hasPort });
      await passAt(GRACE_MS);
      assert.deepEqual(isThere(), { lease: false, port: false });
      assert.ok(!existsSync(join(directory.path, IP.toString())));
      await passAt(2 * GRACE_MS);
      assert.deepEqual(told, [{ containerId: 'c1', interface: 'eth0', ip: IP.toString(), netns: GONE }]);
    });
  }

  test('detach() that fails has ended all the same: the port is gone, the lease no longer attached', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-leases-'));
    const { wiring, isThere } = await nodeWithPod(directory.path, { netns: GONE });
    const failure = new Error('no control socket');
    const failing: Wiring = { ...wiring, flushConntrack: () => Promise.reject(failure) };
    const options = { signal: AbortSignal.timeout(20_000), parts: new CallParts() };
    await assert.rejects(detach(failing, ATTACHMENT, options), failure);
    assert.deepEqual(isThere(), { lease: true, port: false });
    const reread = new Leases(directory.path, { subnet: Prefix.parse('10.131.2.0/28'), log: SILENT });
    assert.equal(reread.leaseOf(ATTACHMENT)?.isAttached, false);
  });

  test('detach() frees both of two addresses that one attachment has', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-leases-'));
    const { wiring, isThere } = await nodeWithPod(directory.path, { netns: GONE });
    await copyFile(join(directory.path, `${IP}`), join(directory.path, '10.131.2.9'));
    const leases = new Leases(directory.path, { subnet: Prefix.parse('10.131.2.0/28'), log: SILENT });
    const flushed: string[] = [];
    const flushConntrack = async (ip: Ip) => void flushed.push(ip.toString());
    const options = { signal: AbortSignal.timeout(20_000), parts: new CallParts() };
    await detach({ ...wiring, leases, flushConntrack }, ATTACHMENT, options);
    assert.deepEqual(flushed.sort(), [`${IP}`, '10.131.2.9']);
    assert.deepEqual([leases.all.size, isThere().port], [0, false]);
    assert.deepEqual(readdirSync(directory.path), []);
  });

  const UNREADABLE = [
    { name: 'no pod can have it', hasPort: false, links: [], isFreed: true },
    { name: "the only veth of its kind is another bridge's", hasPort: false, links: ['in a bridge'], isFreed: true },
    { name: 'a port of br0 has its address', hasPort: true, links: [], isFreed: false },
    { name: 'a veth is there that no attachment has', hasPort: false, links: ['alone'], isFreed: false },
  ];
  for (const { name, hasPort, links, isFreed } of UNREADABLE) {
    test(`detachGone() ${isFreed ? 'frees' : 'keeps'} an address whose lease says nothing when ${name}`, async () => {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-leases-'));
      using made = new DisposableStack();
      const veth = 'veth0badcafe';
      for (const where of links) {
        netlink.addVeth({ name: veth, peer: { name: 'peer' } });
        made.defer(() => void netlink.deleteLink(veth));
        if (where === 'alone') continue;
        netlink.addBridge('cni0');
        made.defer(() => void netlink.deleteLink('cni0'));
        netlink.changeLink(veth, { master: 'cni0' });
      }
      const { wiring, passAt, told } = await nodeWithPod(directory.path, { netns: '/proc/self/ns/net', hasPort });
      const mute = hasPort ? IP.toString() : '10.131.2.9';
      writeFileSync(join(directory.path, mute), '');
      const leases = new Leases(directory.path, { subnet: Prefix.parse('10.131.2.0/28'), log: SILENT });
      await passAt(0, { ...wiring, leases });
      assert.deepEqual(leases.unreadable.map(String), isFreed ? [] : [mute]);
      assert.equal(existsSync(join(directory.path, mute)), !isFreed);
      assert.deepEqual(told, isFreed ? [{ ip: mute }] : []);
      await takeAway(wiring);
    });
  }

  test('detachGone() counts the grace anew when the veth was there in between', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-leases-'));
    const { passAt, isThere } = await nodeWithPod(directory.path, { netns: GONE, hasPort: false });
    await passAt(0);
    netlink.addVeth({ name: VETH, peer: { name: 'peer' } });
    await passAt(GRACE_MS);
    netlink.deleteLink(VETH);
    await passAt(GRACE_MS + 1);
    await passAt(2 * GRACE_MS);
    assert.equal(isThere().lease, true);
    await passAt(2 * GRACE_MS + 1);
    assert.equal(isThere().lease, false);
  });

  test('detachGone() leaves an attachment alone that has a call under way', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-leases-'));
    const { wiring, passAt, isThere } = await nodeWithPod(directory.path, { netns: GONE, hasPort: false });
    const call = Promise.withResolvers<void>();
    const calling = wiring.queue.run('c1/eth0', () => call.promise);
    await passAt(0);
    await passAt(2 * GRACE_MS);
    assert.equal(isThere().lease, true);
    call.resolve();
    await calling;
    await passAt(3 * GRACE_MS);
    await passAt(4 * GRACE_MS);
    assert.equal(isThere().lease, false);
  });

  async function takeAway({ ovs: database }: Wiring): Promise<void> {
    await ovs.vsctl('--if-exists', 'del-port', 'br0', VETH);
    await database.cache.waitFor((cache) => cache.port(VETH) === undefined);
  }
});
