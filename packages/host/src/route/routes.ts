import { ADDRESS_BITS, type Family, Ip, Prefix } from '@tenet/std';
import { failHost } from '../errors.ts';
import { type Attributes, attribute, attributes, nested, readAttributes } from '../netlink/attributes.ts';
import { aligned, readU32, u32 } from '../netlink/bytes.ts';
import { AF, RT_SCOPE, RT_TABLE, RTA, RTAX_MTU, RTM_F, RTN, RTPROT } from '../netlink/constants.ts';
import { struct } from '../netlink/struct.ts';

export type RouteScope = keyof typeof RT_SCOPE;
export type RouteType = keyof typeof RTN;

/** A route to make, or what is known of one to delete. */
export interface RouteSpec {
  readonly destination: Prefix;
  /** The name of the outgoing link. */
  readonly link?: string;
  readonly gateway?: Ip;
  /** When making a route: `link` without a gateway, `host` for a local one, else `global`. */
  readonly scope?: RouteScope;
  /** RT_TABLE.MAIN when left out. */
  readonly table?: number;
  /** Who made it (RTPROT); RTPROT.STATIC when making one, any when deleting. */
  readonly protocol?: number;
  /** The lower one is preferred; 0 for IPv4 and 1024 for IPv6 when left out. */
  readonly metric?: number;
  /** The source address that the node itself uses. */
  readonly source?: Ip;
  /** The largest packet that it takes, in bytes. */
  readonly mtu?: number;
  /** `unicast` when left out. */
  readonly type?: RouteType;
}

/** A route as the kernel has it. */
export interface Route extends RouteSpec {
  readonly scope: RouteScope;
  readonly table: number;
  readonly protocol: number;
  readonly type: RouteType;
  /** The hops of a route that has several; it has no link and no gateway then. */
  readonly nextHops?: readonly NextHop[];
}

export interface NextHop {
  readonly link: string;
  readonly gateway?: Ip;
  /** Its share of the traffic, 1 and up. */
  readonly weight: number;
}

/** Which routes to list. */
export interface RouteFilter {
  readonly family?: Family;
  readonly table?: number;
}

/** `struct rtmsg` (rtnetlink.h). */
// biome-ignore format: the fields of the header file
const rtmsg = struct({
  family: 'u8', destinationLength: 'u8', sourceLength: 'u8', tos: 'u8',
  table: 'u8', protocol: 'u8', scope: 'u8', type: 'u8', flags: 'u32',
});

/** `struct rtnexthop`, which is followed by attributes. */
const rtnexthop = struct({ length: 'u16', flags: 'u8', hops: 'u8', index: 'i32' });

/** The body of RTM_NEWROUTE. */
export function encodeRoute(route: RouteSpec, linkIndex: number | undefined): Uint8Array[] {
  const { type = 'unicast', protocol = RTPROT.STATIC } = route;
  const scope = route.scope ?? usualScope(route, type);
  return encode(route, linkIndex, { protocol, scope: RT_SCOPE[scope], type: RTN[type] });
}

/** The body of RTM_DELROUTE: what is not given matches anything. */
export function encodeRouteDeletion(route: RouteSpec, linkIndex: number | undefined): Uint8Array[] {
  const { type = 'unspec', scope = 'nowhere', protocol = RTPROT.UNSPEC } = route;
  return encode(route, linkIndex, { protocol, scope: RT_SCOPE[scope], type: RTN[type] });
}

/** The body that asks which route a packet to this address would take, and in which table it is. */
export function encodeRouteLookup(ip: Ip): Uint8Array[] {
  const header = {
    family: familyNumber(ip.family),
    destinationLength: ADDRESS_BITS[ip.family],
    flags: RTM_F.LOOKUP_TABLE,
  };
  return [rtmsg.write(header), attribute(RTA.DST, ip.toBytes())];
}

/** The body that asks for all routes of a family, or of one of its tables. */
export function encodeRouteQuery(family: Family, table?: number): Uint8Array[] {
  return [
    rtmsg.write({ family: familyNumber(family) }),
    attributes([RTA.TABLE, table === undefined ? undefined : u32(table)]),
  ];
}

/** Reads the body of an RTM_NEWROUTE message; `nameOf` gives the name of a link. */
export function decodeRoute(body: Uint8Array, nameOf: (index: number) => string): Route {
  const { family, destinationLength, table, protocol, scope, type } = rtmsg.read(body);
  const found = readAttributes(body, rtmsg.lengthBytes);
  const metrics = found.get(RTA.METRICS);
  const mtu = metrics && readAttributes(metrics).get(RTAX_MTU);
  const destination = found.get(RTA.DST) ?? new Uint8Array(family === AF.INET ? 4 : 16);
  const link = found.get(RTA.OIF);
  const gateway = gatewayOf(found);
  const metric = found.get(RTA.PRIORITY);
  const source = found.get(RTA.PREFSRC);
  const hops = found.get(RTA.MULTIPATH);
  const wideTable = found.get(RTA.TABLE);
  return {
    destination: Prefix.of(Ip.fromBytes(destination), destinationLength),
    ...(link && { link: nameOf(readU32(link)) }),
    ...(gateway && { gateway }),
    ...(hops && { nextHops: decodeNextHops(hops, nameOf) }),
    scope: nameIn(RT_SCOPE, scope, 'scope'),
    table: wideTable ? readU32(wideTable) : table,
    protocol,
    ...(metric && { metric: readU32(metric) }),
    ...(source && { source: Ip.fromBytes(source) }),
    ...(mtu && { mtu: readU32(mtu) }),
    type: nameIn(RTN, type, 'type'),
  };
}

function encode(
  { destination, gateway, table = RT_TABLE.MAIN, metric, source, mtu }: RouteSpec,
  linkIndex: number | undefined,
  header: { protocol: number; scope: number; type: number },
): Uint8Array[] {
  return [
    rtmsg.write({ family: familyNumber(destination.family), destinationLength: destination.length, ...header }),
    attributes(
      [RTA.DST, destination.length === 0 ? undefined : destination.address.toBytes()],
      [RTA.OIF, linkIndex === undefined ? undefined : u32(linkIndex)],
      // A gateway of the other family (RFC 8950) goes into RTA_VIA, behind its family.
      gateway?.family === destination.family ? [RTA.GATEWAY, gateway.toBytes()] : [RTA.VIA, gateway && via(gateway)],
      [RTA.PRIORITY, metric === undefined ? undefined : u32(metric)],
      [RTA.PREFSRC, source?.toBytes()],
      [RTA.TABLE, u32(table)],
      [nested(RTA.METRICS), mtu === undefined ? undefined : attribute(RTAX_MTU, u32(mtu))],
    ),
  ];
}

function usualScope({ destination, gateway }: RouteSpec, type: RouteType): RouteScope {
  if (type === 'local') return 'host';
  return type === 'unicast' && gateway === undefined && destination.family === 4 ? 'link' : 'global';
}

function decodeNextHops(bytes: Uint8Array, nameOf: (index: number) => string): NextHop[] {
  const hops: NextHop[] = [];
  for (let at = 0; at + rtnexthop.lengthBytes <= bytes.length; ) {
    const { length, hops: extra, index } = rtnexthop.read(bytes.subarray(at));
    const gateway = gatewayOf(readAttributes(bytes.subarray(at, at + length), rtnexthop.lengthBytes));
    hops.push({ link: nameOf(index), ...(gateway && { gateway }), weight: extra + 1 });
    at += Math.max(aligned(length), rtnexthop.lengthBytes);
  }
  return hops;
}

function gatewayOf(found: Attributes): Ip | undefined {
  const gateway = found.get(RTA.GATEWAY) ?? found.get(RTA.VIA)?.subarray(2);
  return gateway && Ip.fromBytes(gateway);
}

/** `struct rtvia`: the family in 16 bits of the machine's order, then the address. */
const rtvia = struct({ family: 'u16' });

function via(gateway: Ip): Uint8Array {
  return new Uint8Array([...rtvia.write({ family: familyNumber(gateway.family) }), ...gateway.toBytes()]);
}

/** AF_INET or AF_INET6. */
export function familyNumber(family: Family): number {
  return family === 4 ? AF.INET : AF.INET6;
}

function nameIn<K extends string>(table: Readonly<Record<K, number>>, value: number, what: string): K {
  for (const name in table) if (table[name] === value) return name;
  return failHost('NETLINK_MALFORMED', { why: `a route with the ${what} ${value}` });
}
