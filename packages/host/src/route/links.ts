import { Mac } from '@tenet/std';
import { attribute, attributes, nested, readAttributes } from '../netlink/attributes.ts';
import { readText, readU16, readU32, text, u16, u32 } from '../netlink/bytes.ts';
import {
  AF,
  IFF,
  IFLA,
  IFLA_BRPORT_GROUP_FWD_MASK,
  IFLA_INFO,
  RTEXT_FILTER_SKIP_STATS,
  VETH_INFO_PEER,
} from '../netlink/constants.ts';
import { struct } from '../netlink/struct.ts';

/** A network device of a namespace. */
export interface Link {
  /** Its number, unique in its namespace. */
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `dummy`, `openvswitch`…; undefined for hardware and loopback. */
  readonly kind?: string;
  readonly mac?: Mac;
  /** The largest packet above Ethernet, in bytes. */
  readonly mtu: number;
  /** The administrator's wish. */
  readonly up: boolean;
  /** Up, and with a carrier. */
  readonly running: boolean;
  /** The index of the bridge or switch that it is a port of. */
  readonly master?: number;
  /** Of a bridge's port: bit n is set when frames to 01:80:c2:00:00:0n are forwarded like any other. */
  readonly groupForwardMask?: number;
  /** The index of the other end of a veth, in the namespace of that end. */
  readonly peerIndex?: number;
  /** The id that this namespace has for the peer's namespace, when that is another one. */
  readonly peerNamespaceId?: number;
}

/** What can be changed of a link. */
export interface LinkAttributes {
  readonly mtu?: number;
  readonly mac?: Mac;
  /** The new name, of at most 15 bytes. */
  readonly name?: string;
  /** The index of the new master, 0 for none. */
  readonly master?: number;
  /** An open file of the namespace to move it to. */
  readonly namespaceFd?: number;
}

/** `struct ifinfomsg` (rtnetlink.h). */
export const ifinfomsg = struct({ family: 'u8', pad: 'u8', type: 'u16', index: 'i32', flags: 'u32', change: 'u32' });

/** The body of a request for the link of this name, or for all links; without the longest counters. */
export function encodeLinkQuery(name?: string): Uint8Array[] {
  const mask = [IFLA.EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS)] as const;
  return [
    ifinfomsg.write({ family: AF.UNSPEC }),
    attributes(mask, [IFLA.IFNAME, name === undefined ? name : text(name)]),
  ];
}

/** The body that asks for the link with this index. */
export function encodeLinkIndexQuery(index: number): Uint8Array[] {
  return [ifinfomsg.write({ index }), attribute(IFLA.EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS))];
}

/** The body of RTM_SETLINK: changes that are not given leave the link as it is. */
export function encodeLinkChange(index: number, { up, ...rest }: LinkAttributes & { up?: boolean }): Uint8Array[] {
  const flags = up === undefined ? {} : { change: IFF.UP, flags: up ? IFF.UP : 0 };
  return [ifinfomsg.write({ index, ...flags }), encodeLinkAttributes(rest)];
}

/** The body of RTM_NEWLINK for a kind of link that needs no settings: `bridge`, `dummy`. */
export function encodeNewLink(kind: string, link: LinkAttributes): Uint8Array[] {
  const info = attribute(IFLA_INFO.KIND, text(kind));
  return [ifinfomsg.write({}), encodeLinkAttributes(link), attribute(nested(IFLA.LINKINFO), info)];
}

/** The body of RTM_NEWLINK for both ends of a veth, each where it belongs from the start. */
export function encodeVeth(link: LinkAttributes, peer: LinkAttributes): Uint8Array[] {
  const peerEnd = new Uint8Array([...ifinfomsg.write({}), ...encodeLinkAttributes(peer)]);
  const info = attributes(
    [IFLA_INFO.KIND, text('veth')],
    [nested(IFLA_INFO.DATA), attribute(nested(VETH_INFO_PEER), peerEnd)],
  );
  return [ifinfomsg.write({}), encodeLinkAttributes(link), attribute(nested(IFLA.LINKINFO), info)];
}

/** The body of RTM_NEWLINK that changes what a bridge does with frames to the reserved MACs that come in on a port. */
export function encodeBridgePort(index: number, groupForwardMask: number): Uint8Array[] {
  const info = attributes(
    [IFLA_INFO.SLAVE_KIND, text('bridge')],
    [nested(IFLA_INFO.SLAVE_DATA), attribute(IFLA_BRPORT_GROUP_FWD_MASK, u16(groupForwardMask))],
  );
  return [ifinfomsg.write({ index }), attribute(nested(IFLA.LINKINFO), info)];
}

function encodeLinkAttributes({ name, mtu, mac, master, namespaceFd }: LinkAttributes): Uint8Array {
  return attributes(
    [IFLA.IFNAME, name === undefined ? undefined : text(name)],
    [IFLA.MTU, mtu === undefined ? undefined : u32(mtu)],
    [IFLA.ADDRESS, mac?.toBytes()],
    [IFLA.MASTER, master === undefined ? undefined : u32(master)],
    [IFLA.NET_NS_FD, namespaceFd === undefined ? undefined : u32(namespaceFd)],
  );
}

/** Reads the body of an RTM_NEWLINK message. */
export function decodeLink(body: Uint8Array): Link {
  const { index, flags } = ifinfomsg.read(body);
  const found = readAttributes(body, ifinfomsg.lengthBytes);
  const info = found.get(IFLA.LINKINFO);
  const details = info && readAttributes(info);
  const kind = details?.get(IFLA_INFO.KIND);
  const portData = details?.get(IFLA_INFO.SLAVE_DATA);
  const groupForwardMask = portData && readAttributes(portData).get(IFLA_BRPORT_GROUP_FWD_MASK);
  const mac = found.get(IFLA.ADDRESS);
  const master = found.get(IFLA.MASTER);
  const peer = found.get(IFLA.LINK);
  const peerNamespace = found.get(IFLA.LINK_NETNSID);
  return {
    index,
    name: readText(found.get(IFLA.IFNAME) ?? new Uint8Array()),
    ...(kind && { kind: readText(kind) }),
    ...(mac?.length === 6 && { mac: Mac.fromBytes(mac) }),
    mtu: readU32(found.get(IFLA.MTU) ?? new Uint8Array(4)),
    up: (flags & IFF.UP) !== 0,
    running: (flags & IFF.RUNNING) !== 0,
    ...(master && { master: readU32(master) }),
    ...(groupForwardMask && { groupForwardMask: readU16(groupForwardMask) }),
    ...(peer && { peerIndex: readU32(peer) }),
    ...(peerNamespace && { peerNamespaceId: readU32(peerNamespace) }),
  };
}
