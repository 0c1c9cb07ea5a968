/** Settings, sockets, iptables, nft and conntrack of another namespace, against what the kernel and its tools say. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, readFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  bindUdp,
  deleteConntrack,
  inNamespace,
  iptablesRestore,
  iptablesSave,
  listConntrack,
  listenTcp,
  nftApply,
  nftList,
  openTcp,
  PacketSocket,
  ProbeSocket,
  readSysctl,
  readTxChecksum,
  setTxChecksum,
  writeSysctl,
} from '@tenet/host';
import { isTenetError } from '@tenet/std';
import { gateway, gatewayMac, type NodeAndPod, nodeAndPod, podIp, podMac, until, within } from './node-and-pod.ts';

let ends: NodeAndPod;
let nodePath: string;
let podPath: string;

before(() => {
  ends = nodeAndPod('host-tools');
  nodePath = ends.node.path;
  podPath = ends.pod.path;
});

after(() => ends[Symbol.dispose]());

describe('settings', () => {
  test("writeSysctl() changes the setting of the namespace it is called in, and not this process's", () => {
    const home = readSysctl('net.ipv4.ip_forward');
    const other = home === '1' ? 0 : 1;
    inNamespace(podPath, () => writeSysctl('net.ipv4.ip_forward', other));
    assert.equal(within(ends.pod.name, 'cat', '/proc/sys/net/ipv4/ip_forward').stdout.trim(), String(other));
    assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(), home);
  });

  test('readSysctl() is undefined and writeSysctl() refused when the kernel has no such setting', () => {
    assert.equal(readSysctl('net.ipv4.no_such_setting'), undefined);
    assert.throws(
      () => writeSysctl('net.ipv4.no_such_setting', 1),
      (error) => isTenetError(error, 'SYSCTL_REFUSED'),
    );
  });

  test('setTxChecksum() turns the offload off and on', () => {
    const states = inNamespace(podPath, () =>
      [false, true, false].map((on) => {
        setTxChecksum('eth0', on);
        return readTxChecksum('eth0');
      }),
    );
    assert.deepEqual(states, [false, true, false]);
    assert.throws(() => setTxChecksum('nope', false), /ENODEV/);
  });
});

describe('sockets', () => {
  test('listenTcp() gives a socket that serves another namespace', async () => {
    const fd = listenTcp({ namespace: podPath, address: podIp, port: 8080 });
    const server = createServer((socket) => socket.end('from the pod')).listen({ fd });
    await once(server, 'listening');
    const client = ['netns', 'exec', ends.node.name, 'bash', '-c', 'cat </dev/tcp/10.128.0.5/8080'];
    assert.equal((await promisify(execFile)('ip', client, { timeout: 5000 })).stdout, 'from the pod');
    assert.throws(() => listenTcp({ namespace: podPath, address: podIp, port: 8080 }), /EADDRINUSE/);
    assert.throws(() => listenTcp({ namespace: podPath, address: gateway, port: 8080 }), /EADDRNOTAVAIL/);
    server.close();
    await once(server, 'close');
  });

  test('bindUdp() gives a socket that receives in another namespace', async () => {
    const socket = createSocket('udp4');
    socket.bind({ fd: bindUdp({ namespace: podPath, address: podIp, port: 8081 }) });
    const received = once(socket, 'message');
    within(ends.node.name, 'bash', '-c', 'echo -n hello >/dev/udp/10.128.0.5/8081');
    assert.equal(String((await received)[0]), 'hello');
    socket.close();
  });

  test('openTcp() gives a socket that connects from another namespace', async () => {
    const fd = listenTcp({ namespace: nodePath, address: gateway, port: 8080 });
    const server = createServer((socket) => socket.end(String(socket.remoteAddress))).listen({ fd });
    await once(server, 'listening');
    const socket = new Socket({ fd: openTcp(podPath) }).connect(8080, String(gateway));
    assert.equal(await text(socket), String(podIp));
    server.close();
    await once(server, 'close');
  });

  test('ProbeSocket.open() speaks from the port that it is told, and says so when that is taken', async () => {
    const socket = createSocket('udp4');
    const listening = once(socket, 'listening');
    socket.bind({ fd: bindUdp({ namespace: nodePath, address: gateway, port: 8082 }) });
    await listening;
    const received = once(socket, 'message');
    const spec = { namespace: podPath, to: gateway, port: 8082, fromPort: 12_345 };
    using probe = ProbeSocket.open({ ...spec, protocol: 'udp' }) as ProbeSocket;
    probe.send(Uint8Array.of(1));
    assert.equal((await received)[1].port, 12_345);
    socket.close();
    const taken = listenTcp({ namespace: podPath, address: podIp, port: 12_346 });
    assert.deepEqual(ProbeSocket.open({ ...spec, protocol: 'tcp', fromPort: 12_346 }), {
      kind: 'error',
      errno: 'EADDRINUSE',
    });
    closeSync(taken);
  });

  test('PacketSocket carries a frame as it is from one end to the other, and hears only what comes in', async () => {
    using attacker = PacketSocket.open({ link: 'eth0', namespace: podPath });
    using probe = PacketSocket.open({ link: 'veth5', namespace: nodePath });
    assert.deepEqual(probe.received().filter(isOurs), []);
    const frame = Uint8Array.from([...gatewayMac.toBytes(), ...podMac.toBytes(), 0x88, 0xb5, ...Array(50).keys()]);
    attacker.send(frame);
    const heard: Uint8Array[] = [];
    await until(() => heard.push(...probe.received().filter(isOurs)) > 0);
    assert.deepEqual(heard, [frame]);
    assert.deepEqual(attacker.received().filter(isOurs), []);
    assert.throws(
      () => PacketSocket.open({ link: 'nope', namespace: podPath }),
      (error) => isTenetError(error, 'LINK_NOT_FOUND'),
    );
  });

  test('PacketSocket shows the VLAN tags that a frame came with, and no more frames at once than asked for', async () => {
    using attacker = PacketSocket.open({ link: 'eth0', namespace: podPath });
    using probe = PacketSocket.open({ link: 'veth5', namespace: nodePath });
    const tags = [[0x81, 0, 0x6f, 0xa1], [0x88, 0xa8, 0, 7, 0x81, 0, 0, 8], []];
    const frames = tags.map((tag) =>
      Uint8Array.from([...gatewayMac.toBytes(), ...podMac.toBytes(), ...tag, 0x88, 0xb5, ...Array(50).keys()]),
    );
    for (const frame of frames) attacker.send(frame);
    const heard: Uint8Array[] = [];
    await until(() => {
      const some = probe.received(1);
      assert.ok(some.length <= 1);
      return heard.push(...some.filter(hasOurEnd)) === frames.length;
    });
    assert.deepEqual(heard, frames);
  });

  function hasOurEnd(frame: Uint8Array): boolean {
    return frame.at(-1) === 49 && frame.at(-52) === 0x88 && frame.at(-51) === 0xb5;
  }

  /** EtherType 0x88b5, which is for experiments (IEEE 802): the kernel itself sends other frames. */
  function isOurs(frame: Uint8Array): boolean {
    return frame[12] === 0x88 && frame[13] === 0xb5;
  }
});

describe('netfilter', () => {
  for (const variant of ['nft', 'legacy'] as const)
    test(`iptablesRestore() adds to the rules of iptables-${variant}, and names the line that it refuses`, async () => {
      const where = { variant, namespace: variant === 'nft' ? nodePath : podPath };
      const rules = ['*filter', ':TENET - [0:0]', '-A TENET -p tcp -j ACCEPT', 'COMMIT', ''];
      await iptablesRestore(rules.join('\n'), { ...where, noflush: true, test: true });
      assert.doesNotMatch(await iptablesSave(where), /TENET/);
      await iptablesRestore(rules.join('\n'), { ...where, noflush: true });
      assert.match(await iptablesSave(where), /^-A TENET -p tcp -j ACCEPT$/m);
      const other = variant === 'nft' ? 'legacy' : 'nft';
      assert.doesNotMatch(await iptablesSave({ ...where, variant: other }), /TENET/);
      await assert.rejects(
        iptablesRestore(rules.with(2, '-A TENET --bogus').join('\n'), { ...where, noflush: true }),
        (error) =>
          isTenetError(error, 'TOOL_FAILED') &&
          /unknown option "--bogus", at line 3: -A TENET --bogus/.test(error.message),
      );
    });

  test('iptablesRestore() gives up on the lock of iptables-legacy that another program holds', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'tenet-lock-'));
    const lock = join(directory.path, 'xtables.lock');
    const holder = spawn('flock', [lock, '-c', 'echo held; read line']);
    const { XTABLES_LOCKFILE: before } = process.env;
    process.env.XTABLES_LOCKFILE = lock;
    try {
      await once(holder.stdout, 'data');
      const restore = (deadlineMs: number) =>
        iptablesRestore('*filter\nCOMMIT\n', { variant: 'legacy', noflush: true, namespace: podPath, deadlineMs });
      await assert.rejects(restore(2000), (error) => isTenetError(error, 'TOOL_FAILED') && /lock/.test(error.message));
      await assert.rejects(restore(100), (error) => isTenetError(error, 'TOOL_SILENT'));
    } finally {
      if (before === undefined) delete process.env.XTABLES_LOCKFILE;
      else process.env.XTABLES_LOCKFILE = before;
      holder.stdin.end();
      await once(holder, 'close');
    }
  });

  test('nftApply() commits a transaction that nftList() shows, and names the line that it refuses', async () => {
    const ruleset = 'table ip tenet {\n chain c {\n  accept\n }\n}\n';
    await nftApply(ruleset, { namespace: podPath, check: true });
    assert.deepEqual(await nftList({ namespace: podPath }), []);
    await nftApply(ruleset, { namespace: podPath });
    const kinds = (await nftList({ namespace: podPath, what: 'table ip tenet' })).flatMap((object) =>
      Object.keys(object),
    );
    assert.deepEqual(kinds, ['table', 'chain', 'rule']);
    await assert.rejects(nftApply(ruleset.replace('accept', 'bogus'), { namespace: podPath }), /at line 3: +bogus/);
  });

  test('deleteConntrack() deletes the connections that pass the filter, and no other', async () => {
    const track = '*filter\n-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n';
    await iptablesRestore(track, { noflush: true, namespace: nodePath });
    within(ends.pod.name, 'bash', '-c', 'echo a >/dev/udp/10.128.0.1/9001; echo b >/dev/udp/10.128.0.1/9002');
    const ports = () =>
      listConntrack({ protocol: 17, originalSource: podIp }, nodePath).map(({ original }) => original.destinationPort);
    assert.deepEqual(ports().sort(), [9001, 9002]);
    deleteConntrack({ originalSource: podIp, protocol: 6 }, nodePath);
    deleteConntrack({ originalSource: gateway }, nodePath);
    deleteConntrack({ replySource: podIp, protocol: 17 }, nodePath);
    assert.deepEqual(ports().sort(), [9001, 9002]);
    deleteConntrack({ originalSource: podIp, replySource: gateway, zone: 0, protocol: 17 }, nodePath);
    assert.deepEqual(ports(), []);
  });
});
