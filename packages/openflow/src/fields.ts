/**
 * Every match field that Tenet reads or writes, once: its Open vSwitch name, width, wire headers and how
 * `ovs-ofctl` writes it. Codec, text, prerequisites and names in explanations are all derived from this table.
 * Sources: OpenFlow 1.5.1 §7.2.3 (OXM), the Nicira extensions as in ovs-fields(7).
 */

/** How `ovs-ofctl` writes the value of a field. */
export type FieldFormat =
  | 'decimal'
  | 'hex'
  | 'mac'
  | 'ipv4'
  | 'ipv6'
  | 'port'
  | 'frag'
  | 'ct_state'
  | 'tcp_flags'
  | 'tun_flags';

/** What a packet must be before the field means anything: `eth_type` and `ip_proto` values. */
export type Prerequisite =
  | 'none'
  | 'ip-any'
  | 'ipv4'
  | 'ipv6'
  | 'arp'
  | 'vlan'
  | 'tcp'
  | 'udp'
  | 'sctp'
  | 'icmp'
  | 'icmpv6'
  | 'nd'
  | 'mpls';

export interface FieldSpec {
  /** Meaningful bits. */
  readonly bits: number;
  /** Bytes on the wire. */
  readonly bytes: number;
  /** OXM/NXM class and field number that we send; both are u16 and u7. */
  readonly oxm: readonly [oxmClass: number, field: number];
  /** Other headers under which a switch may report the same field. */
  readonly also: readonly (readonly [oxmClass: number, field: number])[];
  /** Its name inside actions, such as `NXM_NX_REG0` in `load:1->NXM_NX_REG0[]`. */
  readonly nxm: string;
  /** Further names in actions. */
  readonly nxmAliases: readonly string[];
  /** The name that `ovs-ofctl dump-flows` prints on the left of `=`. */
  readonly text: string;
  /** Further names that `ovs-ofctl` accepts. */
  readonly aliases: readonly string[];
  readonly format: FieldFormat;
  readonly prerequisite: Prerequisite;
  /** `none`: only exact matches. `any`: every mask. */
  readonly mask: 'none' | 'any';
}

const NXM0 = 0x0000;
const NXM1 = 0x0001;
const OF = 0x8000;
const PACKET_REGS = 0x8001;

interface Extra {
  readonly also?: readonly (readonly [number, number])[];
  readonly nxmAliases?: readonly string[];
  readonly text?: string;
  readonly aliases?: readonly string[];
  /** Where the wire has more bytes than the meaningful bits need. */
  readonly bytes?: number;
}

function field(
  bits: number,
  oxm: readonly [number, number],
  nxm: string,
  format: FieldFormat,
  prerequisite: Prerequisite,
  mask: 'none' | 'any',
  extra: Extra = {},
): Omit<FieldSpec, 'text'> & { text?: string } {
  const { also = [], nxmAliases = [], aliases = [], bytes = Math.ceil(bits / 8), text } = extra;
  return {
    bits,
    bytes,
    oxm,
    also,
    nxm,
    nxmAliases,
    aliases,
    format,
    prerequisite,
    mask,
    ...(text === undefined ? {} : { text }),
  };
}

function reg<const N extends number>(n: N) {
  return field(32, [NXM1, n], `NXM_NX_REG${n}`, 'hex', 'none', 'any');
}

function xreg<const N extends number>(n: N) {
  return field(64, [PACKET_REGS, n], `OXM_OF_PKT_REG${n}`, 'hex', 'none', 'any');
}

// biome-ignore format: columns are the documentation
const TABLE = {
  in_port:      field(32, [OF, 0], 'OXM_OF_IN_PORT', 'port', 'none', 'none', { also: [[NXM0, 0]], nxmAliases: ['NXM_OF_IN_PORT'] }),
  metadata:     field(64, [OF, 2], 'OXM_OF_METADATA', 'hex', 'none', 'any'),
  tun_id:       field(64, [OF, 38], 'NXM_NX_TUN_ID', 'hex', 'none', 'any', { also: [[NXM1, 16]], nxmAliases: ['OXM_OF_TUNNEL_ID'], aliases: ['tunnel_id'] }),
  tun_src:      field(32, [NXM1, 31], 'NXM_NX_TUN_IPV4_SRC', 'ipv4', 'none', 'any'),
  tun_dst:      field(32, [NXM1, 32], 'NXM_NX_TUN_IPV4_DST', 'ipv4', 'none', 'any'),
  tun_ipv6_src: field(128, [NXM1, 109], 'NXM_NX_TUN_IPV6_SRC', 'ipv6', 'none', 'any'),
  tun_ipv6_dst: field(128, [NXM1, 110], 'NXM_NX_TUN_IPV6_DST', 'ipv6', 'none', 'any'),
  tun_flags:    field(1, [NXM1, 104], 'NXM_NX_TUN_FLAGS', 'tun_flags', 'none', 'any', { bytes: 2 }),
  conj_id:      field(32, [NXM1, 37], 'NXM_NX_CONJ_ID', 'decimal', 'none', 'none'),
  pkt_mark:     field(32, [NXM1, 33], 'NXM_NX_PKT_MARK', 'hex', 'none', 'any'),
  ct_state:     field(32, [NXM1, 105], 'NXM_NX_CT_STATE', 'ct_state', 'none', 'any'),
  ct_zone:      field(16, [NXM1, 106], 'NXM_NX_CT_ZONE', 'decimal', 'none', 'none'),
  ct_mark:      field(32, [NXM1, 107], 'NXM_NX_CT_MARK', 'hex', 'none', 'any'),
  ct_label:     field(128, [NXM1, 108], 'NXM_NX_CT_LABEL', 'hex', 'none', 'any'),
  reg0: reg(0), reg1: reg(1), reg2: reg(2), reg3: reg(3), reg4: reg(4), reg5: reg(5), reg6: reg(6), reg7: reg(7),
  reg8: reg(8), reg9: reg(9), reg10: reg(10), reg11: reg(11), reg12: reg(12), reg13: reg(13), reg14: reg(14), reg15: reg(15),
  xreg0: xreg(0), xreg1: xreg(1), xreg2: xreg(2), xreg3: xreg(3), xreg4: xreg(4), xreg5: xreg(5), xreg6: xreg(6), xreg7: xreg(7),
  eth_src:      field(48, [OF, 4], 'NXM_OF_ETH_SRC', 'mac', 'none', 'any', { also: [[NXM0, 2]], nxmAliases: ['OXM_OF_ETH_SRC'], text: 'dl_src' }),
  eth_dst:      field(48, [OF, 3], 'NXM_OF_ETH_DST', 'mac', 'none', 'any', { also: [[NXM0, 1]], nxmAliases: ['OXM_OF_ETH_DST'], text: 'dl_dst' }),
  eth_type:     field(16, [OF, 5], 'NXM_OF_ETH_TYPE', 'hex', 'none', 'none', { also: [[NXM0, 3]], nxmAliases: ['OXM_OF_ETH_TYPE'], text: 'dl_type' }),
  vlan_tci:     field(16, [NXM0, 4], 'NXM_OF_VLAN_TCI', 'hex', 'none', 'any'),
  vlan_vid:     field(13, [OF, 6], 'OXM_OF_VLAN_VID', 'decimal', 'none', 'any'),
  vlan_pcp:     field(3, [OF, 7], 'OXM_OF_VLAN_PCP', 'decimal', 'vlan', 'none', { aliases: ['dl_vlan_pcp'] }),
  mpls_label:   field(20, [OF, 34], 'OXM_OF_MPLS_LABEL', 'decimal', 'mpls', 'none', { bytes: 4 }),
  mpls_tc:      field(3, [OF, 35], 'OXM_OF_MPLS_TC', 'decimal', 'mpls', 'none'),
  mpls_bos:     field(1, [OF, 36], 'OXM_OF_MPLS_BOS', 'decimal', 'mpls', 'none'),
  ip_src:       field(32, [OF, 11], 'NXM_OF_IP_SRC', 'ipv4', 'ipv4', 'any', { also: [[NXM0, 7]], nxmAliases: ['OXM_OF_IPV4_SRC'], text: 'nw_src' }),
  ip_dst:       field(32, [OF, 12], 'NXM_OF_IP_DST', 'ipv4', 'ipv4', 'any', { also: [[NXM0, 8]], nxmAliases: ['OXM_OF_IPV4_DST'], text: 'nw_dst' }),
  ipv6_src:     field(128, [OF, 26], 'NXM_NX_IPV6_SRC', 'ipv6', 'ipv6', 'any', { also: [[NXM1, 19]], nxmAliases: ['OXM_OF_IPV6_SRC'] }),
  ipv6_dst:     field(128, [OF, 27], 'NXM_NX_IPV6_DST', 'ipv6', 'ipv6', 'any', { also: [[NXM1, 20]], nxmAliases: ['OXM_OF_IPV6_DST'] }),
  ipv6_label:   field(20, [OF, 28], 'NXM_NX_IPV6_LABEL', 'hex', 'ipv6', 'any', { bytes: 4, also: [[NXM1, 27]], nxmAliases: ['OXM_OF_IPV6_FLABEL'] }),
  ip_proto:     field(8, [OF, 10], 'NXM_OF_IP_PROTO', 'decimal', 'ip-any', 'none', { also: [[NXM0, 6]], nxmAliases: ['OXM_OF_IP_PROTO'], text: 'nw_proto' }),
  ip_dscp:      field(6, [OF, 8], 'OXM_OF_IP_DSCP', 'decimal', 'ip-any', 'none'),
  ip_ecn:       field(2, [OF, 9], 'NXM_NX_IP_ECN', 'decimal', 'ip-any', 'none', { also: [[NXM1, 28]], nxmAliases: ['OXM_OF_IP_ECN'], text: 'nw_ecn' }),
  ip_ttl:       field(8, [NXM1, 29], 'NXM_NX_IP_TTL', 'decimal', 'ip-any', 'none', { text: 'nw_ttl' }),
  ip_frag:      field(2, [NXM1, 26], 'NXM_NX_IP_FRAG', 'frag', 'ip-any', 'any', { text: 'nw_frag' }),
  arp_op:       field(16, [OF, 21], 'NXM_OF_ARP_OP', 'decimal', 'arp', 'none', { also: [[NXM0, 15]], nxmAliases: ['OXM_OF_ARP_OP'] }),
  arp_spa:      field(32, [OF, 22], 'NXM_OF_ARP_SPA', 'ipv4', 'arp', 'any', { also: [[NXM0, 16]], nxmAliases: ['OXM_OF_ARP_SPA'] }),
  arp_tpa:      field(32, [OF, 23], 'NXM_OF_ARP_TPA', 'ipv4', 'arp', 'any', { also: [[NXM0, 17]], nxmAliases: ['OXM_OF_ARP_TPA'] }),
  arp_sha:      field(48, [OF, 24], 'NXM_NX_ARP_SHA', 'mac', 'arp', 'any', { also: [[NXM1, 17]], nxmAliases: ['OXM_OF_ARP_SHA'] }),
  arp_tha:      field(48, [OF, 25], 'NXM_NX_ARP_THA', 'mac', 'arp', 'any', { also: [[NXM1, 18]], nxmAliases: ['OXM_OF_ARP_THA'] }),
  tcp_src:      field(16, [OF, 13], 'NXM_OF_TCP_SRC', 'decimal', 'tcp', 'any', { also: [[NXM0, 9]], nxmAliases: ['OXM_OF_TCP_SRC'], text: 'tp_src' }),
  tcp_dst:      field(16, [OF, 14], 'NXM_OF_TCP_DST', 'decimal', 'tcp', 'any', { also: [[NXM0, 10]], nxmAliases: ['OXM_OF_TCP_DST'], text: 'tp_dst' }),
  tcp_flags:    field(12, [NXM1, 34], 'NXM_NX_TCP_FLAGS', 'tcp_flags', 'tcp', 'any', { also: [[OF, 42]], nxmAliases: ['OXM_OF_TCP_FLAGS'] }),
  udp_src:      field(16, [OF, 15], 'NXM_OF_UDP_SRC', 'decimal', 'udp', 'any', { also: [[NXM0, 11]], nxmAliases: ['OXM_OF_UDP_SRC'], text: 'tp_src' }),
  udp_dst:      field(16, [OF, 16], 'NXM_OF_UDP_DST', 'decimal', 'udp', 'any', { also: [[NXM0, 12]], nxmAliases: ['OXM_OF_UDP_DST'], text: 'tp_dst' }),
  sctp_src:     field(16, [OF, 17], 'OXM_OF_SCTP_SRC', 'decimal', 'sctp', 'any', { text: 'tp_src' }),
  sctp_dst:     field(16, [OF, 18], 'OXM_OF_SCTP_DST', 'decimal', 'sctp', 'any', { text: 'tp_dst' }),
  icmp_type:    field(8, [OF, 19], 'NXM_OF_ICMP_TYPE', 'decimal', 'icmp', 'none', { also: [[NXM0, 13]], nxmAliases: ['OXM_OF_ICMPV4_TYPE'] }),
  icmp_code:    field(8, [OF, 20], 'NXM_OF_ICMP_CODE', 'decimal', 'icmp', 'none', { also: [[NXM0, 14]], nxmAliases: ['OXM_OF_ICMPV4_CODE'] }),
  icmpv6_type:  field(8, [OF, 29], 'NXM_NX_ICMPV6_TYPE', 'decimal', 'icmpv6', 'none', { also: [[NXM1, 21]], nxmAliases: ['OXM_OF_ICMPV6_TYPE'], text: 'icmp_type' }),
  icmpv6_code:  field(8, [OF, 30], 'NXM_NX_ICMPV6_CODE', 'decimal', 'icmpv6', 'none', { also: [[NXM1, 22]], nxmAliases: ['OXM_OF_ICMPV6_CODE'], text: 'icmp_code' }),
  nd_target:    field(128, [OF, 31], 'NXM_NX_ND_TARGET', 'ipv6', 'nd', 'any', { also: [[NXM1, 23]], nxmAliases: ['OXM_OF_IPV6_ND_TARGET'] }),
  nd_sll:       field(48, [OF, 32], 'NXM_NX_ND_SLL', 'mac', 'nd', 'any', { also: [[NXM1, 24]], nxmAliases: ['OXM_OF_IPV6_ND_SLL'] }),
  nd_tll:       field(48, [OF, 33], 'NXM_NX_ND_TLL', 'mac', 'nd', 'any', { also: [[NXM1, 25]], nxmAliases: ['OXM_OF_IPV6_ND_TLL'] }),
  ct_nw_proto:  field(8, [NXM1, 119], 'NXM_NX_CT_NW_PROTO', 'decimal', 'ip-any', 'none'),
  ct_nw_src:    field(32, [NXM1, 120], 'NXM_NX_CT_NW_SRC', 'ipv4', 'ipv4', 'any'),
  ct_nw_dst:    field(32, [NXM1, 121], 'NXM_NX_CT_NW_DST', 'ipv4', 'ipv4', 'any'),
  ct_ipv6_src:  field(128, [NXM1, 122], 'NXM_NX_CT_IPV6_SRC', 'ipv6', 'ipv6', 'any'),
  ct_ipv6_dst:  field(128, [NXM1, 123], 'NXM_NX_CT_IPV6_DST', 'ipv6', 'ipv6', 'any'),
  ct_tp_src:    field(16, [NXM1, 124], 'NXM_NX_CT_TP_SRC', 'decimal', 'ip-any', 'any'),
  ct_tp_dst:    field(16, [NXM1, 125], 'NXM_NX_CT_TP_DST', 'decimal', 'ip-any', 'any'),
} as const;

export type FieldName = keyof typeof TABLE;

/** The table, completed: a field whose printed name is its own says so. */
export const FIELDS: Readonly<Record<FieldName, FieldSpec>> = Object.fromEntries(
  Object.entries(TABLE).map(([name, spec]) => [name, { ...spec, text: (spec as { text?: string }).text ?? name }]),
) as Record<FieldName, FieldSpec>;

/** The names in table order, which is also the order of fields in a canonical match. */
export const FIELD_NAMES = Object.keys(TABLE) as readonly FieldName[];

/** All ones in the field's width. */
export function fullMask(name: FieldName): bigint {
  return FULL_MASKS[name];
}

const FULL_MASKS = Object.fromEntries(
  FIELD_NAMES.map((name) => [name, (1n << BigInt(FIELDS[name].bits)) - 1n]),
) as Record<FieldName, bigint>;
