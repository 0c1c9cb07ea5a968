import { Ip } from '@tenet/std';
import { attributes, nested, readAttributes } from './netlink/attributes.ts';
import { readBe16, u32 } from './netlink/bytes.ts';
import { AF, CTA, CTA_FILTER, CTA_FILTER_F, CTA_IP, CTA_PROTO, CTA_TUPLE } from './netlink/constants.ts';
import { nfgenmsg } from './netlink/nfnetlink.ts';
import { struct } from './netlink/struct.ts';

/** One direction of a tracked connection. */
export interface ConntrackTuple {
  readonly source: Ip;
  readonly destination: Ip;
  /** The IP protocol: 6, 17… */
  readonly protocol: number;
  /** Of protocols that have ports. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** A tracked connection: what its first packet was, and what the answers look like after translation. */
export interface ConntrackEntry {
  readonly original: ConntrackTuple;
  readonly reply: ConntrackTuple;
  readonly zone: number;
}

/** Which connections: those that have all that is given. */
export interface ConntrackFilter {
  readonly originalSource?: Ip;
  readonly originalDestination?: Ip;
  readonly replySource?: Ip;
  readonly protocol?: number;
  /** Of a protocol that has ports. */
  readonly originalDestinationPort?: number;
  readonly zone?: number;
  readonly family?: 4 | 6;
}

/** Numbers in conntrack attributes are in network order, unlike those of rtnetlink. */
const be16 = struct({ value: 'be16' });

/** Reads the body of an IPCTNL_MSG_CT_NEW message; undefined for a connection that is not IP. */
export function decodeConntrack(body: Uint8Array): ConntrackEntry | undefined {
  const found = readAttributes(body, nfgenmsg.lengthBytes);
  const original = decodeTuple(found.get(CTA.TUPLE_ORIG));
  const reply = decodeTuple(found.get(CTA.TUPLE_REPLY));
  const zone = found.get(CTA.ZONE);
  return original && reply && { original, reply, zone: zone ? readBe16(zone) : 0 };
}

/**
 * The body of a message about all connections that have the filter's addresses, protocol and port (CTA_FILTER), the
 * last two only when it is about IPv4: the kernel takes no filter for both families. Undefined when there is nothing to
 * filter by, or an address of IPv6: those the kernel compares the wrong way round (seen on 6.18), and would delete all
 * others.
 */
export function encodeConntrackFilter(filter: ConntrackFilter): Uint8Array[] | undefined {
  const { originalSource, originalDestination, originalDestinationPort, replySource, protocol, family } = filter;
  const given = [originalSource, originalDestination, replySource].filter((ip) => ip !== undefined);
  if (given.some((ip) => ip.family !== 4)) return undefined;
  const isV4 = given.length > 0 || family === 4;
  const original = encodeParts({
    source: originalSource,
    destination: originalDestination,
    ...(isV4 && protocol !== undefined ? { protocol, destinationPort: originalDestinationPort } : {}),
  });
  const reply = encodeParts({ source: replySource });
  if (original === undefined && reply === undefined) return undefined;
  const flags = attributes([CTA_FILTER.ORIG_FLAGS, original?.flags], [CTA_FILTER.REPLY_FLAGS, reply?.flags]);
  return [
    nfgenmsg.write({ family: AF.INET }),
    attributes(
      [nested(CTA.TUPLE_ORIG), original?.tuple],
      [nested(CTA.TUPLE_REPLY), reply?.tuple],
      [nested(CTA.FILTER), flags],
    ),
  ];
}

/**
 * The body of IPCTNL_MSG_CT_DELETE for the connection of which this was read: the same tuple and zone, and its id, so
 * that a new connection in its place stays.
 */
export function encodeConntrackDeletion(body: Uint8Array): Uint8Array[] {
  const found = readAttributes(body, nfgenmsg.lengthBytes);
  return [
    nfgenmsg.write({ family: body[0] ?? 0 }),
    attributes(
      [nested(CTA.TUPLE_ORIG), found.get(CTA.TUPLE_ORIG)],
      [CTA.ZONE, found.get(CTA.ZONE)],
      [CTA.ID, found.get(CTA.ID)],
    ),
  ];
}

/** The body of IPCTNL_MSG_CT_GET for the connection whose answers bear this tuple. */
export function encodeConntrackByReply(reply: ConntrackTuple): Uint8Array[] {
  const isV4 = reply.source.family === 4;
  const ip = attributes(
    [isV4 ? CTA_IP.V4_SRC : CTA_IP.V6_SRC, reply.source.toBytes()],
    [isV4 ? CTA_IP.V4_DST : CTA_IP.V6_DST, reply.destination.toBytes()],
  );
  const protocol = attributes(
    [CTA_PROTO.NUM, Uint8Array.of(reply.protocol)],
    [CTA_PROTO.SRC_PORT, be16.write({ value: reply.sourcePort ?? 0 })],
    [CTA_PROTO.DST_PORT, be16.write({ value: reply.destinationPort ?? 0 })],
  );
  const tuple = attributes([nested(CTA_TUPLE.IP), ip], [nested(CTA_TUPLE.PROTO), protocol]);
  return [nfgenmsg.write({ family: isV4 ? AF.INET : AF.INET6 }), attributes([nested(CTA.TUPLE_REPLY), tuple])];
}

export function conntrackMatches({ original, reply, zone }: ConntrackEntry, filter: ConntrackFilter): boolean {
  const same = (wanted: Ip | undefined, is: Ip) => wanted === undefined || wanted.equals(is);
  return (
    same(filter.originalSource, original.source) &&
    same(filter.originalDestination, original.destination) &&
    same(filter.replySource, reply.source) &&
    (filter.protocol ?? original.protocol) === original.protocol &&
    (filter.originalDestinationPort ?? original.destinationPort) === original.destinationPort &&
    (filter.family ?? original.source.family) === original.source.family &&
    (filter.zone ?? zone) === zone
  );
}

/** The parts of a tuple that a filter names, and the flags that say so; undefined when it names none. */
function encodeParts({
  source,
  destination,
  protocol,
  destinationPort,
}: {
  readonly [part in keyof ConntrackTuple]?: ConntrackTuple[part] | undefined;
}) {
  const flags =
    (source ? CTA_FILTER_F.IP_SRC : 0) |
    (destination ? CTA_FILTER_F.IP_DST : 0) |
    (protocol === undefined ? 0 : CTA_FILTER_F.PROTO_NUM) |
    (destinationPort === undefined ? 0 : CTA_FILTER_F.PROTO_DST_PORT);
  if (flags === 0) return undefined;
  const addresses = attributes([CTA_IP.V4_SRC, source?.toBytes()], [CTA_IP.V4_DST, destination?.toBytes()]);
  const ports = attributes(
    [CTA_PROTO.NUM, protocol === undefined ? undefined : Uint8Array.of(protocol)],
    [CTA_PROTO.DST_PORT, destinationPort === undefined ? undefined : be16.write({ value: destinationPort })],
  );
  return {
    tuple: attributes(
      [nested(CTA_TUPLE.IP), addresses.length === 0 ? undefined : addresses],
      [nested(CTA_TUPLE.PROTO), ports.length === 0 ? undefined : ports],
    ),
    flags: u32(flags),
  };
}

function decodeTuple(bytes: Uint8Array | undefined): ConntrackTuple | undefined {
  const found = bytes && readAttributes(bytes);
  const ip = found?.get(CTA_TUPLE.IP);
  const l4 = found?.get(CTA_TUPLE.PROTO);
  if (ip === undefined || l4 === undefined) return undefined;
  const addresses = readAttributes(ip);
  const source = addresses.get(CTA_IP.V4_SRC) ?? addresses.get(CTA_IP.V6_SRC);
  const destination = addresses.get(CTA_IP.V4_DST) ?? addresses.get(CTA_IP.V6_DST);
  const protocol = readAttributes(l4);
  const [sourcePort, destinationPort] = [protocol.get(CTA_PROTO.SRC_PORT), protocol.get(CTA_PROTO.DST_PORT)];
  if (source === undefined || destination === undefined) return undefined;
  return {
    source: Ip.fromBytes(source),
    destination: Ip.fromBytes(destination),
    protocol: protocol.get(CTA_PROTO.NUM)?.[0] ?? 0,
    ...(sourcePort && { sourcePort: readBe16(sourcePort) }),
    ...(destinationPort && { destinationPort: readBe16(destinationPort) }),
  };
}
