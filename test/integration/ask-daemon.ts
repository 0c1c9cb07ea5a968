import { Ip } from '@tenet/std';
import { type HttpAnswer, httpFrom } from '../http-from.ts';
import type { PrivateNode } from './private-node.ts';

const METRICS = { ip: Ip.parse('127.0.0.1'), port: 9101 };

/** Asks the daemon of a node at its metrics address, which only the node's own namespace reaches. */
export function askDaemon({ ovs }: PrivateNode, path: '/metrics' | '/healthz' | '/readyz'): Promise<HttpAnswer> {
  return httpFrom(`/run/netns/${ovs.netns}`, { ...METRICS, path });
}
