import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNamespace, deleteNamespace, Netlink } from '@tenet/host';
import { Ip, Mac } from '@tenet/std';
import { sweep } from './sweep.ts';

export const gateway = Ip.parse('10.128.0.1');
export const podIp = Ip.parse('10.128.0.5');
export const gatewayMac = Mac.fromIpv4(gateway);
export const podMac = Mac.fromIpv4(podIp);

/** One of two namespaces that a veth joins. */
interface End {
  /** As `ip netns` knows it. */
  readonly name: string;
  readonly path: string;
  readonly netlink: Netlink;
}

/** Two namespaces for one test file: a node with `veth5` (10.128.0.1/23) and a pod with `eth0` (10.128.0.5/23). */
export interface NodeAndPod extends Disposable {
  readonly node: End;
  readonly pod: End;
}

export function nodeAndPod(topic: string): NodeAndPod {
  const prefix = `tenet-${topic}`;
  sweep(prefix);
  const node = end(`${prefix}-${process.pid}-node`);
  const pod = end(`${prefix}-${process.pid}-pod`);
  const peer = { name: 'eth0', namespace: pod.path, mac: podMac };
  node.netlink.addVeth({ name: 'veth5', mtu: 1450, mac: gatewayMac, peer });
  node.netlink.changeLink('veth5', { up: true });
  pod.netlink.changeLink('eth0', { up: true });
  node.netlink.addAddress({ link: 'veth5', address: gateway, prefixLength: 23 });
  pod.netlink.addAddress({ link: 'eth0', address: podIp, prefixLength: 23 });
  return {
    node,
    pod,
    [Symbol.dispose]() {
      for (const { netlink, path } of [node, pod]) {
        netlink[Symbol.dispose]();
        deleteNamespace(path);
      }
    },
  };
}

function end(name: string): End {
  const path = `/run/netns/${name}`;
  createNamespace(path);
  return { name, path, netlink: Netlink.open(path) };
}

/** What `ip -j` says in a namespace. */
export function ip(namespace: string, ...args: readonly string[]): Record<string, unknown>[] {
  const { status, stdout, stderr } = spawnSync('ip', ['-n', namespace, '-j', ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim() === '' ? [] : JSON.parse(stdout);
}

/** Runs a program in a namespace to its end. */
export function within(namespace: string, ...command: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8' });
}

/** Looks again until the condition holds; fails after two seconds. */
export async function until(holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 2000; !holds(); await sleep(2))
    assert.ok(performance.now() < deadline, `never true: ${holds}`);
}
