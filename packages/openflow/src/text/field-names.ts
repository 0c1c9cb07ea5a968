import { FIELD_NAMES, FIELDS, type FieldName } from '../fields.ts';
import type { Match } from '../flow.ts';

/** What a packet is known to be while names are read: `tp_dst` and `nw_src` mean another field in each protocol. */
export interface Protocol {
  readonly ethType?: bigint | undefined;
  readonly ipProto?: bigint | undefined;
}

export const ETH = { ip: 0x0800n, arp: 0x0806n, rarp: 0x8035n, ipv6: 0x86ddn, mpls: 0x8847n, mplsm: 0x8848n } as const;
export const PROTO = { icmp: 1n, tcp: 6n, udp: 17n, icmp6: 58n, sctp: 132n } as const;

/** The protocol shorthands of ovs-ofctl(8), the printed one of each pair first. */
export const SHORTHANDS: readonly (readonly [text: string, protocol: Protocol])[] = [
  ['ip', { ethType: ETH.ip }],
  ['ipv6', { ethType: ETH.ipv6 }],
  ['arp', { ethType: ETH.arp }],
  ['rarp', { ethType: ETH.rarp }],
  ['icmp', { ethType: ETH.ip, ipProto: PROTO.icmp }],
  ['tcp', { ethType: ETH.ip, ipProto: PROTO.tcp }],
  ['udp', { ethType: ETH.ip, ipProto: PROTO.udp }],
  ['sctp', { ethType: ETH.ip, ipProto: PROTO.sctp }],
  ['icmp6', { ethType: ETH.ipv6, ipProto: PROTO.icmp6 }],
  ['tcp6', { ethType: ETH.ipv6, ipProto: PROTO.tcp }],
  ['udp6', { ethType: ETH.ipv6, ipProto: PROTO.udp }],
  ['sctp6', { ethType: ETH.ipv6, ipProto: PROTO.sctp }],
  ['mpls', { ethType: ETH.mpls }],
  ['mplsm', { ethType: ETH.mplsm }],
  ['ip4', { ethType: ETH.ip }],
  ['ipv4', { ethType: ETH.ip }],
  ['ip6', { ethType: ETH.ipv6 }],
  ['icmp4', { ethType: ETH.ip, ipProto: PROTO.icmp }],
  ['icmpv6', { ethType: ETH.ipv6, ipProto: PROTO.icmp6 }],
  ['tcp4', { ethType: ETH.ip, ipProto: PROTO.tcp }],
  ['udp4', { ethType: ETH.ip, ipProto: PROTO.udp }],
  ['sctp4', { ethType: ETH.ip, ipProto: PROTO.sctp }],
];

/** The protocol that a match pins. */
export function protocolOf({ eth_type, ip_proto }: Match): Protocol {
  return { ethType: eth_type?.value, ipProto: ip_proto?.value };
}

/** The field of a name in a match or in set_field, or undefined when there is none in this protocol. */
export function fieldNamed(text: string, { ethType, ipProto }: Protocol): FieldName | undefined {
  const isArp = ethType === ETH.arp || ethType === ETH.rarp;
  switch (text) {
    case 'nw_src':
      return isArp ? 'arp_spa' : 'ip_src';
    case 'nw_dst':
      return isArp ? 'arp_tpa' : 'ip_dst';
    case 'nw_proto':
      return isArp ? 'arp_op' : 'ip_proto';
    case 'tp_src':
    case 'tp_dst':
    case 'icmp_type':
    case 'icmp_code':
      return ipProto === undefined ? undefined : PORT_FIELDS.get(ipProto)?.[text];
  }
  return NAMES.get(text);
}

/** True for the names that mean nothing before the protocol is known. */
export function needsProtocol(text: string): boolean {
  return /^(tp_(src|dst)|icmp_(type|code))$/.test(text);
}

/** The field of an NXM or OXM name such as `NXM_NX_REG0`. */
export function fieldOfNxm(text: string): FieldName | undefined {
  return NXM_NAMES.get(text);
}

type PortName = 'tp_src' | 'tp_dst' | 'icmp_type' | 'icmp_code';

const PORT_FIELDS: ReadonlyMap<bigint, Readonly<Partial<Record<PortName, FieldName>>>> = new Map<
  bigint,
  Readonly<Partial<Record<PortName, FieldName>>>
>([
  [PROTO.tcp, { tp_src: 'tcp_src', tp_dst: 'tcp_dst' }],
  [PROTO.udp, { tp_src: 'udp_src', tp_dst: 'udp_dst' }],
  [PROTO.sctp, { tp_src: 'sctp_src', tp_dst: 'sctp_dst' }],
  [PROTO.icmp, { tp_src: 'icmp_type', tp_dst: 'icmp_code', icmp_type: 'icmp_type', icmp_code: 'icmp_code' }],
  [PROTO.icmp6, { tp_src: 'icmpv6_type', tp_dst: 'icmpv6_code', icmp_type: 'icmpv6_type', icmp_code: 'icmpv6_code' }],
]);

const NAMES: ReadonlyMap<string, FieldName> = new Map(
  FIELD_NAMES.flatMap((name) =>
    [FIELDS[name].text, ...FIELDS[name].aliases, name]
      .filter((text) => !needsProtocol(text) || text === name)
      .map((text): [string, FieldName] => [text, name]),
  ),
);

const NXM_NAMES: ReadonlyMap<string, FieldName> = new Map(
  FIELD_NAMES.flatMap((name) =>
    [FIELDS[name].nxm, ...FIELDS[name].nxmAliases].map((text): [string, FieldName] => [text, name]),
  ),
);
