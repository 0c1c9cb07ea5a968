import type { ClusterNetwork, NodeObject } from '@tenet/model';
import { Ip, Prefix } from '@tenet/std';
import { attempt } from '../refusal.ts';

const UNUSABLE = [
  { range: Prefix.parse('127.0.0.0/8'), problem: 'is a loopback address' },
  { range: Prefix.parse('0.0.0.0/8'), problem: 'means no host' },
  { range: Prefix.parse('224.0.0.0/4'), problem: 'is a multicast address' },
] as const;

/** The first InternalIP of a Node, which its tunnels end at; undefined while it has none. */
export function internalAddressOf(node: NodeObject): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}

/** An address that tunnels can end at, or what is wrong with it. */
export function hostAddress(
  text: string,
  { ranges, serviceNetwork }: ClusterNetwork,
): { readonly ip: Ip } | { readonly problem: string } {
  const read = attempt(() => Ip.parse(text));
  if ('error' in read) return { problem: 'is not an IP address' };
  const ip = read.value;
  if (ip.family !== 4) return { problem: 'is IPv6, which is not supported yet' };
  for (const { range, problem } of UNUSABLE) if (range.contains(ip)) return { problem };
  if (serviceNetwork.contains(ip)) return { problem: `is inside the service network ${serviceNetwork}` };
  const around = ranges.find(({ cidr }) => cidr.contains(ip));
  return around === undefined ? { ip } : { problem: `is inside the pods' range ${around.cidr}` };
}
