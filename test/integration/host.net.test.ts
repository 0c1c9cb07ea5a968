/** Namespaces and rtnetlink against the kernel: what it does and reads is what `ip` says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { createNamespace, deleteNamespace, inNamespace, Netlink, RT_TABLE, RTPROT, readSysctl } from '@tenet/host';
import { Ip, isTenetError, Prefix } from '@tenet/std';
import { gateway, gatewayMac, ip, type NodeAndPod, nodeAndPod, podIp, podMac, until } from './node-and-pod.ts';

const home = readlinkSync('/proc/thread-self/ns/net');
const cluster = Prefix.parse('10.128.0.0/14');

let ends: NodeAndPod;
let node: Netlink;
let pod: Netlink;

before(() => {
  ends = nodeAndPod('host');
  node = ends.node.netlink;
  pod = ends.pod.netlink;
});

after(() => ends[Symbol.dispose]());

describe('namespaces', () => {
  const path = `/run/netns/tenet-host-${process.pid}-extra`;

  test('createNamespace() makes what `ip netns` knows, with its loopback up', () => {
    createNamespace(path);
    try {
      const [lo] = ip(`tenet-host-${process.pid}-extra`, 'link', 'show', 'lo');
      assert.ok(flagsOf(lo).includes('UP'));
      assert.throws(
        () => createNamespace(path),
        (error) => isTenetError(error, 'NAMESPACE_EXISTS'),
      );
    } finally {
      assert.equal(deleteNamespace(path), true);
    }
    assert.equal(deleteNamespace(path), false);
    assert.throws(() => statSync(path), /ENOENT/);
  });

  test('createNamespace() says what the kernel refused when it cannot make the file or its directory', () => {
    // biome-ignore format: one row per refusal
    const refused = [
      ['/etc/hostname/netns/x', /cannot make the directory \/etc\/hostname\/netns: ENOTDIR/],
      [`/run/netns/${'x'.repeat(300)}`, /cannot make the file of a network namespace at .*: ENAMETOOLONG/],
    ] as const;
    for (const [file, says] of refused)
      assert.throws(
        () => createNamespace(file),
        (error) => isTenetError(error, 'KERNEL_REFUSED') && says.test(error.message),
      );
  });

  test('createNamespace() leaves this thread at home', () => {
    assert.equal(readlinkSync('/proc/thread-self/ns/net'), home);
  });

  test('inNamespace() refuses a path that is not there, and one that is not a namespace', () => {
    assert.throws(
      () => inNamespace('/run/netns/not-there', () => 1),
      (error) => isTenetError(error, 'NAMESPACE_NOT_FOUND'),
    );
    assert.throws(() => inNamespace('/etc/hostname', () => 1), /cannot enter the network namespace .*: EINVAL/);
  });

  test('inNamespace() comes back when the function throws, and to the outer one when nested', () => {
    const where = () => readlinkSync('/proc/thread-self/ns/net');
    assert.throws(
      () =>
        inNamespace(ends.node.path, () => {
          throw new RangeError('inside');
        }),
      /inside/,
    );
    assert.equal(where(), home);
    const [outer, inner, again] = inNamespace(ends.node.path, () => [
      where(),
      inNamespace(ends.pod.path, where),
      where(),
    ]);
    assert.equal(outer, again);
    assert.notEqual(outer, inner);
    assert.notEqual(outer, home);
    assert.equal(where(), home);
  });

  test('inNamespace() throws when a promise comes back in spite of the type', () => {
    const cheat = (() => Promise.resolve(1)) as unknown as () => number;
    assert.throws(() => inNamespace(ends.node.path, cheat), TypeError);
  });

  test('inNamespace() aborts the process when it cannot come back', () => {
    // The way back is an open file: the child loses it while it is away.
    const script = `
      import { closeSync, readdirSync, readlinkSync } from 'node:fs';
      import { inNamespace } from '@tenet/host';
      const isNamespace = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd).startsWith('net:'); } catch { return false; } };
      inNamespace('${ends.node.path}', () => readdirSync('/proc/self/fd').filter(isNamespace).forEach((fd) => closeSync(Number(fd))));
      console.log('still here');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.equal(child.signal, 'SIGABRT', child.stderr);
    assert.match(child.stderr, /cannot come back from a network namespace \(errno 9\): aborting/);
    assert.equal(child.stdout, '');
  });

  test('every thread of the process is at home after 1,000 windows with asynchronous work between them', async () => {
    const started = performance.now();
    for (let i = 0; i < 1000; i++) {
      // Work for the pool is waiting while the main thread is away.
      const work = i % 10 === 0 ? Promise.all(Array.from({ length: 8 }, () => stat('/'))) : undefined;
      inNamespace(i % 2 === 0 ? ends.node.path : ends.pod.path, () => readSysctl('net.ipv4.ip_forward'));
      await work;
    }
    console.log(`inNamespace() with a sysctl read: ${(performance.now() - started).toFixed(0)} µs each`);
    const threads = readdirSync('/proc/self/task').map((id) => readlinkSync(`/proc/self/task/${id}/ns/net`));
    assert.ok(threads.length > 4, `the pool has four threads, the process ${threads.length}`);
    assert.deepEqual([...new Set(threads)], [home]);
  });
});

describe('links', () => {
  test('links() says what `ip link` says', () => {
    for (const [namespace, netlink] of [
      [ends.node.name, node],
      [ends.pod.name, pod],
    ] as const) {
      const said = ip(namespace, 'link', 'show');
      const read = netlink.links().map(({ index, name, mac, mtu, up }) => [index, name, String(mac), mtu, up]);
      assert.deepEqual(
        read,
        said.map((link) => {
          const { ifindex, ifname, address, mtu } = link;
          return [ifindex, ifname, address, mtu, flagsOf(link).includes('UP')];
        }),
      );
    }
  });

  test('addVeth() makes ends that know each other', () => {
    const host = node.link('veth5');
    const inside = pod.link('eth0');
    assert.deepEqual([host?.kind, inside?.kind], ['veth', 'veth']);
    assert.deepEqual([host?.peerIndex, inside?.peerIndex], [inside?.index, host?.index]);
    assert.equal(String(inside?.mac), '0a:58:0a:80:00:05');
    assert.equal(host?.mtu, 1450);
  });

  test('changeLink() changes name, MTU, MAC, master, namespace and state', () => {
    node.addBridge('br0', { mac: gatewayMac });
    node.addVeth({ name: 'port0', peer: { name: 'port1' } });
    node.changeLink('port0', { mtu: 9000, mac: podMac, master: 'br0', up: true });
    const bridge = node.link('br0');
    const [said] = ip(ends.node.name, '-d', 'link', 'show', 'port0');
    assert.deepEqual([said?.mtu, said?.address, said?.master], [9000, String(podMac), 'br0']);
    assert.deepEqual([node.link('port0')?.master, node.link('port0')?.up], [bridge?.index, true]);
    assert.equal(String(bridge?.mac), String(gatewayMac));
    node.changeLink('port0', { master: null, up: false });
    assert.deepEqual([node.link('port0')?.master, node.link('port0')?.up], [undefined, false]);
    node.changeLink('port0', { name: 'moved0', namespace: ends.pod.path });
    assert.equal(node.link('port0'), undefined);
    assert.equal(pod.link('moved0')?.kind, 'veth');
    assert.equal(pod.deleteLink('moved0'), true);
    assert.equal(pod.deleteLink('moved0'), false);
    assert.equal(node.deleteLink('br0'), true);
  });

  test('addDummy() makes a dummy link, or says that this kernel has none', () => {
    try {
      node.addDummy('dummy0');
    } catch (error) {
      assert.ok(error instanceof Error);
      assert.match(error.message, /add the dummy link dummy0: ENOTSUP.*the kernel says: Unknown device type/);
      return;
    }
    assert.equal(node.link('dummy0')?.kind, 'dummy');
    assert.equal(node.deleteLink('dummy0'), true);
  });

  // biome-ignore format: one row per refusal
  const refusals: readonly (readonly [name: string, run: () => void, says: RegExp])[] = [
    ['an MTU that is too large', () => node.changeLink('veth5', { mtu: 70_000 }), /EINVAL.*the kernel says: mtu greater than device maximum/],
    ['a link that is not there', () => node.changeLink('nope', { up: true }), /there is no link nope/],
    ['a name that is taken', () => node.addBridge('veth5'), /add the bridge veth5: EEXIST/],
    ['a name that is too long', () => node.addBridge('sixteen-bytes-xx'), /(EINVAL|ERANGE)/],
    ['a peer in a namespace that is not there', () => node.addVeth({ name: 'a', peer: { name: 'b', namespace: '/run/netns/nope' } }), /no network namespace at/],
    ['a gateway that is not on the link', () => pod.replaceRoute({ destination: cluster, gateway: Ip.parse('192.0.2.1') }), /ENETUNREACH.*Nexthop has invalid gateway/],
    ['a neighbour on a link that is not there', () => pod.resolveNeighbour({ link: 'nope', address: gateway }), /there is no link nope/],
    ['a lookup without a route', () => pod.routeTo(Ip.parse('192.0.2.1')), /find the route to 192.0.2.1: ENETUNREACH/],
  ];
  for (const [name, run, says] of refusals)
    test(`${name} is refused with the kernel's sentence and a remedy`, () => {
      assert.throws(run, (error) => isTenetError(error) && says.test(error.message) && error.remedy !== '');
    });
});

describe('addresses, routes and rules', () => {
  test('addAddress() and deleteAddress() are false when there is nothing to change', () => {
    const address = { link: 'eth0', address: Ip.parse('10.128.1.9'), prefixLength: 32 };
    assert.deepEqual([pod.addAddress(address), pod.addAddress(address)], [true, false]);
    assert.deepEqual([pod.deleteAddress(address), pod.deleteAddress(address)], [true, false]);
  });

  test('addAddress() adds no route when told so', () => {
    const address = { link: 'eth0', address: Ip.parse('198.51.100.1'), prefixLength: 24, noPrefixRoute: true };
    pod.addAddress(address);
    assert.equal(pod.addresses().find((each) => each.address.equals(address.address))?.noPrefixRoute, true);
    assert.deepEqual(ip(ends.pod.name, 'route', 'show', '198.51.100.0/24'), []);
    pod.deleteAddress(address);
  });

  test('addresses() says what `ip address` says', () => {
    const said = ip(ends.pod.name, 'address', 'show').flatMap(({ ifname, addr_info: all }) =>
      (all as Record<string, unknown>[]).map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`),
    );
    const read = pod.addresses().map(({ link, address, prefixLength }) => `${link} ${address}/${prefixLength}`);
    assert.deepEqual(read.sort(), said.sort());
  });

  test('replaceRoute() makes a route as `ip route` shows it, and replaces it', () => {
    const route = { destination: cluster, link: 'eth0', source: podIp, mtu: 1400, metric: 7 };
    pod.replaceRoute({ ...route, mtu: 1300 });
    pod.replaceRoute(route);
    pod.replaceRoute({ destination: Prefix.parse('0.0.0.0/0'), gateway });
    const shown = ip(ends.pod.name, '-d', 'route', 'show', '10.128.0.0/14');
    assert.equal(shown.length, 1);
    const { dev, scope, prefsrc, metric, metrics, protocol } = shown[0] ?? {};
    assert.deepEqual(
      { dev, scope, prefsrc, metric, protocol },
      { dev: 'eth0', scope: 'link', prefsrc: '10.128.0.5', metric: 7, protocol: 'static' },
    );
    assert.equal((metrics as Record<string, number>[])[0]?.mtu, 1400);
    assert.deepEqual(
      pod.routes({ table: RT_TABLE.MAIN, family: 4 }).find(({ destination }) => destination.equals(cluster)),
      { ...route, scope: 'link', table: RT_TABLE.MAIN, protocol: RTPROT.STATIC, type: 'unicast' },
    );
    assert.deepEqual([pod.deleteRoute(route), pod.deleteRoute(route)], [true, false]);
  });

  test('routes() of a table that was never used are none, and of all tables as many as `ip route` shows', () => {
    assert.deepEqual(pod.routes({ table: 4321 }), []);
    const said = ['-4', '-6'].flatMap((family) => ip(ends.pod.name, family, 'route', 'show', 'table', 'all'));
    assert.equal(pod.routes().length, said.length);
  });

  test('routeTo() says which link, gateway and source a packet takes', () => {
    const [said] = ip(ends.pod.name, 'route', 'get', '203.0.113.9');
    const { link, gateway: via, source } = pod.routeTo(Ip.parse('203.0.113.9'));
    assert.deepEqual([link, String(via), String(source)], [said?.dev, said?.gateway, said?.prefsrc]);
    assert.equal(pod.routeTo(gateway).gateway, undefined);
  });

  test('addRule() and deleteRule() make what `ip rule` shows', () => {
    const rule = {
      family: 4,
      priority: 100,
      action: 'table',
      table: 1000,
      from: cluster,
      mark: 1,
      mask: 1,
      inputLink: 'eth0',
    } as const;
    assert.deepEqual([pod.addRule(rule), pod.addRule(rule)], [true, false]);
    const said = ip(ends.pod.name, 'rule', 'show').find(({ priority }) => priority === 100);
    assert.deepEqual([said?.src, said?.srclen, said?.table, said?.iif], ['10.128.0.0', 14, '1000', 'eth0']);
    assert.deepEqual(
      pod.rules().find(({ priority }) => priority === 100),
      { ...rule, protocol: 0 },
    );
    assert.deepEqual([pod.deleteRule(rule), pod.deleteRule(rule)], [true, false]);
  });

  test("a pod's veth, addresses and route are made and gone twenty times over", () => {
    const timesMs = Array.from({ length: 20 }, () => {
      const started = performance.now();
      node.addVeth({ name: 'timed', mtu: 1450, peer: { name: 'timed0', namespace: ends.pod.path, mtu: 1450 } });
      using inside = Netlink.open(ends.pod.path);
      inside.addAddress({ link: 'timed0', address: Ip.parse('10.132.0.5'), prefixLength: 24 });
      inside.changeLink('timed0', { up: true });
      inside.replaceRoute({ destination: Prefix.parse('10.133.0.0/16'), gateway: Ip.parse('10.132.0.1') });
      node.changeLink('timed', { up: true });
      const ms = performance.now() - started;
      assert.equal(ip(ends.pod.name, 'route', 'show', '10.133.0.0/16').length, 1);
      node.deleteLink('timed');
      return ms;
    }).sort((a, b) => a - b);
    console.log(`veth, address, route: median ${timesMs[10]?.toFixed(2)} ms, worst ${timesMs[19]?.toFixed(2)} ms`);
  });
});

describe('neighbours', () => {
  test('resolveNeighbour() makes the kernel ask, and the answer appears', async () => {
    node.deleteNeighbour({ link: 'veth5', address: podIp });
    node.resolveNeighbour({ link: 'veth5', address: podIp });
    await until(() => String(neighbour(podIp)?.mac) === '0a:58:0a:80:00:05');
    assert.equal(neighbour(podIp)?.link, 'veth5');
  });

  test('setNeighbour() and deleteNeighbour() do what `ip neigh` shows', () => {
    const key = { link: 'veth5', address: Ip.parse('10.128.0.77') };
    node.setNeighbour({ ...key, mac: podMac, permanent: true });
    const [said] = ip(ends.node.name, 'neigh', 'show', '10.128.0.77');
    assert.deepEqual([said?.lladdr, said?.state], [String(podMac), ['PERMANENT']]);
    assert.equal(neighbour(key.address)?.state, 'permanent');
    node.setNeighbour({ ...key, mac: gatewayMac, permanent: false });
    assert.deepEqual(ip(ends.node.name, 'neigh', 'show', '10.128.0.77')[0]?.state, ['REACHABLE']);
    assert.deepEqual([node.deleteNeighbour(key), node.deleteNeighbour(key)], [true, false]);
  });

  function neighbour(address: Ip) {
    return node.neighbours().find((each) => each.address.equals(address));
  }
});

function flagsOf(link: Record<string, unknown> | undefined): unknown[] {
  return Array.isArray(link?.flags) ? link.flags : [];
}
