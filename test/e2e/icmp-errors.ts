/** What ICMP errors tell a pod, and a link that provokes them. */
import { ICMPV4_TYPE, type Ip, parseFrame } from '@tenet/std';
import type { LabPod, PrivateLab } from './private-lab.ts';

/** Codes of "destination unreachable" (RFC 792, RFC 1191 §4). */
export const UNREACHABLE = { port: 3, fragmentationNeeded: 4 } as const;

export interface UnreachableError {
  readonly code: number;
  readonly source: string;
  /** The packet that it is about: `source → destination`. */
  readonly about: string;
}

/** What a frame says is unreachable; undefined for a frame that says nothing of the kind. */
export function unreachableIn(frame: Uint8Array): UnreachableError | undefined {
  const { network } = parseFrame(frame);
  if (network.kind !== 'ipv4' || network.transport.kind !== 'icmpv4') return undefined;
  const { message } = network.transport;
  if (message.kind !== 'error' || message.type !== ICMPV4_TYPE.DESTINATION_UNREACHABLE) return undefined;
  const { source, destination } = message.quoted.header;
  return { code: message.code, source: `${network.header.source}`, about: `${source} → ${destination}` };
}

/** Its own, beside the tables that the node's agent keeps. */
const TABLE = '1472';

/** Until the end of the block a node takes the way to a pod for too narrow for packets above `mtuBytes`. */
export async function narrowWay(
  lab: PrivateLab,
  node: string,
  { ip }: { readonly ip: Ip },
  mtuBytes: number,
): Promise<AsyncDisposable> {
  const run = (...args: string[]) => lab.inNetns(`node/${node}`, 'ip', ...args);
  await using stack = new AsyncDisposableStack();
  await run('route', 'add', `${ip}/32`, 'dev', 'tun0', 'mtu', 'lock', String(mtuBytes), 'table', TABLE);
  stack.defer(async () => void (await run('route', 'flush', 'table', TABLE)));
  await run('rule', 'add', 'to', String(ip), 'lookup', TABLE);
  stack.defer(async () => void (await run('rule', 'del', 'to', String(ip), 'lookup', TABLE)));
  return stack.move();
}

/** A pod forgets what it has been told of ways. */
export async function forgetWays(lab: PrivateLab, { name }: Pick<LabPod, 'name'>): Promise<void> {
  await lab.inNetns(`pod/${name}`, 'ip', 'route', 'flush', 'cache');
}
