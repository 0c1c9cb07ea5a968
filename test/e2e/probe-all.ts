import assert from 'node:assert/strict';
import { Netlink } from '@tenet/host';
import { type Outcome, probePing, probeTcp, probeUdp } from '@tenet/lab';
import type { Ip } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import type { LabPod, PrivateLab } from './private-lab.ts';

export const PROTOCOLS = ['TCP', 'UDP', 'ICMP'] as const;

export interface ProbeFrom {
  /** The path of a network namespace. */
  readonly netns: string;
}

/** How long to wait for an answer that has to come: it ends the waiting. */
export const REPLY_MS = 1000 * PATIENCE;

/** Sends one request and answers what became of it; for an answer that must not come one second is enough. */
export function probe(
  protocol: (typeof PROTOCOLS)[number],
  from: ProbeFrom,
  to: Ip,
  timeoutMs = 1000,
): Promise<Outcome> {
  const target = { namespace: from.netns, to, timeoutMs };
  if (protocol === 'TCP') return probeTcp(target);
  return protocol === 'UDP' ? probeUdp(target) : probePing(target);
}

/** Tells a pod the MAC of another, as an attacker would: otherwise nothing but its ARP is ever sent, and dropped. */
export function knowMac(from: ProbeFrom, { ip, mac }: Pick<LabPod, 'ip' | 'mac'>): Disposable {
  using netlink = Netlink.open(from.netns);
  netlink.setNeighbour({ link: 'eth0', address: ip, mac, permanent: true });
  return {
    [Symbol.dispose]() {
      using later = Netlink.open(from.netns);
      later.deleteNeighbour({ link: 'eth0', address: ip });
    },
  };
}

/** Nothing that `send` sends gets an answer, and the node counts at least so many drops between projects. */
export async function assertBlocked(
  lab: PrivateLab,
  { send, node, atLeast }: { readonly send: () => Promise<Outcome[]>; readonly node: string; readonly atLeast: number },
): Promise<void> {
  const counted = async () => (await lab.drops(node)).get('tenant-mismatch') ?? 0;
  const before = await counted();
  for (const outcome of await send())
    assert.ok(outcome.outcome === 'timeout' || outcome.outcome === 'unreachable', JSON.stringify(outcome));
  await eventually(async () => ((await counted()) >= before + atLeast ? true : undefined), {
    what: `${atLeast} drops on ${node}`,
  });
}
