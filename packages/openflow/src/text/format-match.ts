import { FIELDS, type FieldName } from '../fields.ts';
import type { Masked, Match } from '../flow.ts';
import { canonicalMatch } from '../match.ts';
import { SHORTHANDS } from './field-names.ts';
import { formatMatchValue } from './value-text.ts';

export interface MatchTextOptions {
  /** Names to write for port numbers, as `--names` does. */
  readonly portNames?: ReadonlyMap<number, string>;
}

/** The text of a match as `ovs-ofctl dump-flows` of Open vSwitch 3.1 writes it; empty when all matches. */
export function formatMatch(given: Match, { portNames }: MatchTextOptions = {}): string {
  const match = canonicalMatch(given);
  const shorthand = shorthandOf(match);
  const parts: string[] = [];
  for (const name of ORDER) {
    if (name === 'protocol') {
      if (shorthand !== undefined) parts.push(shorthand.text);
      continue;
    }
    const masked = match[name];
    if (masked === undefined || shorthand?.says.includes(name)) continue;
    if (name === 'vlan_tci') parts.push(...formatVlan(masked));
    else if (name === 'ip_dscp') parts.push(`nw_tos=${masked.value << 2n}`);
    else parts.push(`${FIELDS[name].text}=${formatMatchValue(name, masked, portNames)}`);
  }
  return parts.join(',');
}

/** The order in which the tool writes fields; a canonical match has none that is not listed. */
// biome-ignore format: groups are the documentation
const ORDER: readonly (FieldName | 'protocol')[] = [
  'pkt_mark', 'conj_id',
  'ct_state', 'ct_zone', 'ct_mark', 'ct_label',
  'ct_nw_src', 'ct_ipv6_src', 'ct_nw_dst', 'ct_ipv6_dst', 'ct_nw_proto', 'ct_tp_src', 'ct_tp_dst',
  'protocol',
  'reg0', 'reg1', 'reg2', 'reg3', 'reg4', 'reg5', 'reg6', 'reg7',
  'reg8', 'reg9', 'reg10', 'reg11', 'reg12', 'reg13', 'reg14', 'reg15',
  'tun_id', 'tun_src', 'tun_dst', 'tun_ipv6_src', 'tun_ipv6_dst', 'tun_flags',
  'metadata', 'in_port', 'vlan_tci', 'eth_src', 'eth_dst', 'eth_type',
  'ip_src', 'ip_dst', 'ipv6_src', 'ipv6_dst', 'ipv6_label', 'arp_spa', 'arp_tpa',
  'ip_proto', 'arp_op', 'arp_sha', 'arp_tha', 'ip_dscp', 'ip_ecn', 'ip_ttl',
  'mpls_label', 'mpls_tc', 'mpls_bos', 'ip_frag',
  'icmp_type', 'icmp_code', 'icmpv6_type', 'icmpv6_code', 'nd_target', 'nd_sll', 'nd_tll',
  'tcp_src', 'udp_src', 'sctp_src', 'tcp_dst', 'udp_dst', 'sctp_dst', 'tcp_flags',
];

interface Shorthand {
  readonly text: string;
  /** The fields that need no text of their own any more. */
  readonly says: readonly FieldName[];
}

function shorthandOf({ eth_type, ip_proto }: Match): Shorthand | undefined {
  const both = SHORTHANDS.find(
    ([, { ethType, ipProto }]) => ipProto !== undefined && ethType === eth_type?.value && ipProto === ip_proto?.value,
  );
  if (both !== undefined) return { text: both[0], says: ['eth_type', 'ip_proto'] };
  const one = SHORTHANDS.find(([, { ethType, ipProto }]) => ipProto === undefined && ethType === eth_type?.value);
  return one === undefined ? undefined : { text: one[0], says: ['eth_type'] };
}

const VID = 0x0fffn;
const CFI = 0x1000n;
const PCP = 0xe000n;

/** A tag by its id and priority where the match is no more and no less than that, else as bits of the TCI. */
function formatVlan({ value, mask = 0xffffn }: Masked): string[] {
  const vid = mask & VID;
  const pcp = mask & PCP;
  const isTag = (mask & value & CFI) !== 0n && (vid === 0n || vid === VID) && (pcp === 0n || pcp === PCP);
  if (!isTag || mask === CFI) {
    return [`vlan_tci=${formatMatchValue('vlan_tci', mask === 0xffffn ? { value } : { value, mask })}`];
  }
  return [...(vid === 0n ? [] : [`dl_vlan=${value & VID}`]), ...(pcp === 0n ? [] : [`dl_vlan_pcp=${value >> 13n}`])];
}
