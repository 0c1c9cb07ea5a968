/** Tracked connections without packets: entries as they would be after the first one. */
import assert from 'node:assert/strict';
import type { Ip } from '@tenet/std';
import { attributes, nested } from '../../packages/host/src/netlink/attributes.ts';
import { NetlinkSocket } from '../../packages/host/src/netlink/socket.ts';

const NETLINK_NETFILTER = 12;
const [AF_INET, AF_INET6] = [2, 10];
const UDP = 17;
/** `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW`. */
const CT_NEW = 0x100;
const NLM_F_CREATE_EXCL = 0x600;

export interface Connections {
  readonly source: Ip;
  /** The first of successive ports, one a connection. */
  readonly firstPort: number;
  readonly count?: number;
  readonly destination: Ip;
  readonly port?: number;
  /** Where the answers come from: the destination itself when nothing is translated. */
  readonly answerer?: Ip;
  readonly answererPort?: number;
}

/** Has the kernel track connections over UDP in a namespace. */
export function trackConnections(namespace: string, connections: Connections): void {
  const { source, firstPort, count = 1, destination, port = 53 } = connections;
  const { answerer = destination, answererPort = port } = connections;
  using socket = NetlinkSocket.open(NETLINK_NETFILTER, namespace);
  const family = source.family === 4 ? AF_INET : AF_INET6;
  const bodies = Array.from({ length: count }, (_, index) => [
    Uint8Array.of(family, 0, 0, 0),
    attributes(
      [nested(1), tuple(source, destination, firstPort + index, port)],
      [nested(2), tuple(answerer, source, answererPort, firstPort + index)],
      // CTA_TIMEOUT, in seconds.
      [7, Uint8Array.of(0, 0, 0x0e, 0x10)],
    ),
  ]);
  const refused = socket.changeAll({ operation: 'track', type: CT_NEW, flags: NLM_F_CREATE_EXCL, bodies });
  assert.deepEqual(refused, []);
}

function tuple(source: Ip, destination: Ip, sourcePort: number, destinationPort: number): Uint8Array {
  const v4 = source.family === 4;
  return attributes(
    [nested(1), attributes([v4 ? 1 : 3, source.toBytes()], [v4 ? 2 : 4, destination.toBytes()])],
    [nested(2), attributes([1, Uint8Array.of(UDP)], [2, be16(sourcePort)], [3, be16(destinationPort)])],
  );
}

function be16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
