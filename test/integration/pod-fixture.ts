import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Ip } from '@tenet/std';
import type { PrivateNode } from './private-node.ts';

/** A pod that was wired by the plugin. */
export interface WiredByPlugin {
  readonly netns: string;
  readonly containerId: string;
  readonly veth: string;
  readonly ip: Ip;
  /** What the ADD printed. */
  readonly result: object;
}

/** ADDs a pod; fails with what the plugin said when it could not. */
export async function addPod(
  node: PrivateNode,
  { pod = 'alpha/web', box = node.sandbox(), ips }: AddPodOptions = {},
): Promise<WiredByPlugin> {
  const { status, json } = await node.cni({ pod, ...box, ...(ips && { ips }) });
  assert.equal(status, 0, JSON.stringify(json));
  const ip = Ip.parse(json.ips[0].address.split('/')[0]);
  return { ...box, veth: json.interfaces[0].name, ip, result: json };
}

interface AddPodOptions {
  readonly pod?: string;
  readonly box?: { readonly netns: string; readonly containerId: string };
  readonly ips?: readonly string[];
}

/** DELs pods, all at once; fails with what the plugin said when it could not. */
export async function deletePods(
  node: PrivateNode,
  ...pods: readonly { readonly containerId: string }[]
): Promise<void> {
  const answers = await Promise.all(
    pods.map(({ containerId }) => node.cni({ command: 'DEL', pod: 'alpha/web', containerId })),
  );
  for (const { status, json } of answers) assert.equal(status, 0, JSON.stringify(json));
}

/** True when one of a few packets from a pod to an address is answered. */
export async function pings(from: { readonly netns: string }, to: Ip): Promise<boolean> {
  const ping = ['ping', '-c', '3', '-i', '0.2', '-W', '2', '-w', '4', to.toString()];
  return promisify(execFile)('nsenter', [`--net=${from.netns}`, ...ping]).then(
    () => true,
    () => false,
  );
}
