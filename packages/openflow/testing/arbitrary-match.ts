/** Matches that a switch takes: every field, each only where its prerequisites are met. */
import fc, { type Arbitrary } from 'fast-check';
import { canonicalMatch, FIELDS, type FieldName, type Masked, type Match, PORT } from '../src/index.ts';

type Fields = Partial<Record<FieldName, Masked>>;

/** A canonical match that Open vSwitch 3.1 accepts and reports back unchanged. */
export function arbitraryMatch(): Arbitrary<Match> {
  return fc
    .tuple(anywhere(), fc.oneof(...PROTOCOLS))
    .map(([some, protocol]) => canonicalMatch({ ...some, ...protocol }));
}

/** Any value of so many bits; small ones and edges more often than chance. */
export function bitsOf(bits: number): Arbitrary<bigint> {
  const full = (1n << BigInt(bits)) - 1n;
  return fc.oneof(
    { arbitrary: fc.bigInt(0n, full), weight: 3 },
    { arbitrary: fc.bigInt(0n, full < 16n ? full : 16n), weight: 2 },
    { arbitrary: fc.constant(full), weight: 1 },
  );
}

function exactly(name: FieldName, value: Arbitrary<bigint> = bitsOf(FIELDS[name].bits)): Arbitrary<Masked> {
  return value.map((found) => ({ value: found }));
}

/** A value, in half of the cases under a mask: a prefix or any other. */
function masked(name: FieldName, bits = FIELDS[name].bits): Arbitrary<Masked> {
  const full = (1n << BigInt(bits)) - 1n;
  const prefix = fc.integer({ min: 1, max: bits }).map((length) => full & ~(full >> BigInt(length)));
  // `ovs-ofctl` takes an IPv6 mask that begins with a decimal digit for a prefix length.
  const lowest = bits === 128 ? full ^ (full >> 16n) : 1n;
  const mask = fc.oneof(prefix, fc.bigInt(lowest, full));
  return fc.oneof(
    exactly(name, bitsOf(bits)),
    fc.tuple(bitsOf(bits), mask).map(([value, found]) => ({ value: value & found, mask: found })),
  );
}

function oneOf(...values: readonly bigint[]): Arbitrary<Masked> {
  return fc.constantFrom(...values).map((value) => ({ value }));
}

/** Each field in it or not; `always` says which are. */
function fields(
  spec: Readonly<Partial<Record<FieldName, Arbitrary<Masked>>>>,
  always: readonly FieldName[] = [],
): Arbitrary<Fields> {
  return fc.record(spec, { requiredKeys: [...always], noNullPrototype: true }) as Arbitrary<Fields>;
}

/** Few of many fields, or flows would be a page long. */
function few(spec: Readonly<Partial<Record<FieldName, Arbitrary<Masked>>>>, most: number): Arbitrary<Fields> {
  const names = Object.keys(spec) as FieldName[];
  return fc
    .subarray(names, { maxLength: Math.min(most, names.length) })
    .chain((chosen) => fields(Object.fromEntries(chosen.map((name) => [name, spec[name]])), chosen));
}

const REGISTERS = Array.from({ length: 16 }, (_, at) => `reg${at}` as FieldName);

/** A tag by any part of it that survives the wire, where id and priority travel apart (OXM VLAN_VID, VLAN_PCP). */
const VLAN: Arbitrary<Masked> = fc.oneof(
  fc.constant({ value: 0x1000n, mask: 0x1000n }),
  fc.constant({ value: 0n, mask: 0x1fffn }),
  bitsOf(12).map((vid) => ({ value: 0x1000n | vid, mask: 0x1fffn })),
  bitsOf(3).map((pcp) => ({ value: 0x1000n | (pcp << 13n), mask: 0xf000n })),
  bitsOf(16).map((tci) => ({ value: tci | 0x1000n })),
);

/** Fields without prerequisites. */
function anywhere(): Arbitrary<Fields> {
  const tunnel = fc.oneof(
    fields({ tun_id: masked('tun_id'), tun_src: masked('tun_src'), tun_dst: masked('tun_dst') }),
    fields({ tun_ipv6_src: masked('tun_ipv6_src'), tun_ipv6_dst: masked('tun_ipv6_dst') }),
  );
  const others = few(
    {
      in_port: exactly('in_port', fc.oneof(fc.bigInt(1n, 0xfeffn), fc.constant(BigInt(PORT.LOCAL)))),
      metadata: masked('metadata'),
      tun_flags: exactly('tun_flags'),
      conj_id: exactly('conj_id'),
      pkt_mark: masked('pkt_mark'),
      ct_state: masked('ct_state', 8),
      ct_zone: exactly('ct_zone'),
      ct_mark: masked('ct_mark'),
      ct_label: masked('ct_label'),
      eth_src: masked('eth_src'),
      eth_dst: masked('eth_dst'),
      vlan_tci: VLAN,
      ...Object.fromEntries(REGISTERS.map((name) => [name, masked(name)])),
    },
    4,
  );
  return fc
    .tuple(fc.oneof({ arbitrary: fc.constant({}), weight: 2 }, tunnel), others)
    .map(([a, b]) => ({ ...a, ...b }));
}

/** nw_frag has five meanings, not sixteen. */
const FRAGMENT: Arbitrary<Masked> = fc.constantFrom<Masked[]>(
  { value: 0n },
  { value: 1n },
  { value: 3n },
  { value: 1n, mask: 1n },
  { value: 0n, mask: 2n },
);

const IP_ANY = {
  ip_dscp: exactly('ip_dscp'),
  ip_ecn: exactly('ip_ecn'),
  ip_ttl: exactly('ip_ttl'),
  ip_frag: FRAGMENT,
};
/** A later fragment has no ports. */
const WITH_PORTS = { ...IP_ANY, ip_frag: FRAGMENT.filter(({ value }) => value !== 3n) };
const IPV4 = { eth_type: oneOf(0x800n), ip_src: masked('ip_src'), ip_dst: masked('ip_dst') };
const IPV6 = {
  eth_type: oneOf(0x86ddn),
  ipv6_src: masked('ipv6_src'),
  ipv6_dst: masked('ipv6_dst'),
  ipv6_label: masked('ipv6_label'),
};
/** The original direction is known of tracked packets only. */
const TRACKED = fc.constant<Masked>({ value: 0x22n, mask: 0x32n });

function transport(proto: bigint, own: Readonly<Partial<Record<FieldName, Arbitrary<Masked>>>>): Arbitrary<Fields>[] {
  const family = fc.oneof(
    fc.tuple(fields(IPV4, ['eth_type']), few(WITH_PORTS, 2)),
    fc.tuple(fields(IPV6, ['eth_type']), few(WITH_PORTS, 2)),
  );
  return [
    fc
      .tuple(family, fields({ ip_proto: oneOf(proto), ...own }, ['ip_proto']))
      .map(([[ip, any], ports]) => ({ ...ip, ...any, ...ports })),
  ];
}

const PROTOCOLS: readonly Arbitrary<Fields>[] = [
  fc.constant({}),
  fields({ eth_type: oneOf(0x88ccn, 0x6558n) }, ['eth_type']),
  fields(
    {
      eth_type: oneOf(0x806n, 0x806n, 0x8035n),
      arp_op: exactly('arp_op', fc.bigInt(0n, 255n)),
      arp_spa: masked('arp_spa'),
      arp_tpa: masked('arp_tpa'),
      arp_sha: masked('arp_sha'),
      arp_tha: masked('arp_tha'),
    },
    ['eth_type'],
  ),
  fields(
    {
      eth_type: oneOf(0x8847n, 0x8848n),
      mpls_label: exactly('mpls_label'),
      mpls_tc: exactly('mpls_tc'),
      mpls_bos: exactly('mpls_bos'),
    },
    ['eth_type'],
  ),
  fields({ ...IPV4, ...IP_ANY, ip_proto: oneOf(0n, 2n, 47n, 50n) }, ['eth_type']),
  fields({ ...IPV6, ...IP_ANY, ip_proto: oneOf(0n, 1n, 59n) }, ['eth_type']),
  ...transport(6n, { tcp_src: masked('tcp_src'), tcp_dst: masked('tcp_dst'), tcp_flags: masked('tcp_flags') }),
  ...transport(17n, { udp_src: masked('udp_src'), udp_dst: masked('udp_dst') }),
  ...transport(132n, { sctp_src: masked('sctp_src'), sctp_dst: masked('sctp_dst') }),
  fields({ ...IPV4, ip_proto: oneOf(1n), icmp_type: exactly('icmp_type'), icmp_code: exactly('icmp_code') }, [
    'eth_type',
    'ip_proto',
  ]),
  fields(
    {
      ...IPV6,
      ip_proto: oneOf(58n),
      icmpv6_type: exactly('icmpv6_type', fc.bigInt(0n, 132n)),
      icmpv6_code: exactly('icmpv6_code'),
    },
    ['eth_type', 'ip_proto'],
  ),
  ...[
    { icmpv6_type: oneOf(135n), nd_sll: masked('nd_sll') },
    { icmpv6_type: oneOf(136n), nd_tll: masked('nd_tll') },
  ].map((message) =>
    fields({ ...IPV6, ip_proto: oneOf(58n), icmpv6_code: oneOf(0n), nd_target: masked('nd_target'), ...message }, [
      'eth_type',
      'ip_proto',
      'icmpv6_type',
      'icmpv6_code',
    ]),
  ),
  fields(
    {
      ...IPV4,
      ct_state: TRACKED,
      ct_nw_proto: oneOf(6n, 17n),
      ct_nw_src: masked('ct_nw_src'),
      ct_nw_dst: masked('ct_nw_dst'),
      ct_tp_src: masked('ct_tp_src'),
      ct_tp_dst: masked('ct_tp_dst'),
    },
    ['eth_type', 'ct_state', 'ct_nw_proto'],
  ),
  fields(
    {
      ...IPV6,
      ct_state: TRACKED,
      ct_nw_proto: oneOf(6n),
      ct_ipv6_src: masked('ct_ipv6_src'),
      ct_ipv6_dst: masked('ct_ipv6_dst'),
    },
    ['eth_type', 'ct_state', 'ct_nw_proto'],
  ),
];
