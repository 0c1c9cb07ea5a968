/** Actions that a switch takes in a flow with a given match. */
import fc, { type Arbitrary } from 'fast-check';
import { type Action, FIELDS, type FieldName, type Match, type Nat, PORT, type Subfield } from '../src/index.ts';
import { bitsOf } from './arbitrary-match.ts';

/** Open vSwitch keeps table 254 for itself. */
export const LAST_TABLE = 253;

export interface ActionOptions {
  readonly match: Match;
  /** The flow's table: goto_table goes forward only. */
  readonly table: number;
  /** Groups and meters that exist; a switch refuses others. */
  readonly groups: readonly number[];
  readonly meters: readonly number[];
}

/** A list of actions and instructions in the order of execution. */
export function arbitraryActions(options: ActionOptions): Arbitrary<readonly Action[]> {
  const { match, table, meters } = options;
  const onlyNote = fc.array(NOTE, { maxLength: 1 });
  const ordinary = fc
    .tuple(
      meters.length === 0
        ? fc.constant<Action[]>([])
        : maybe(fc.constantFrom(...meters).map((meter) => is({ kind: 'meter', meter }))),
      fc.array(fc.oneof(...applied(options)), { maxLength: 5 }),
      // Last, because they change what may be written.
      maybe(tagging(match)),
      maybe(fc.constant(is({ kind: 'clear_actions' }))),
      maybe(writeActions(options)),
      maybe(WRITE_METADATA),
      table >= LAST_TABLE
        ? fc.constant<Action[]>([])
        : maybe(fc.integer({ min: table + 1, max: LAST_TABLE }).map((to) => is({ kind: 'goto_table', table: to }))),
    )
    .map((parts) => parts.flat());
  // A flow that adds to a conjunction does nothing else (ovs-actions(7)), and matches no conjunction itself.
  if (match.conj_id !== undefined) return ordinary;
  const conjunctions = fc
    .tuple(fc.array(CONJUNCTION, { minLength: 1, maxLength: 2 }), onlyNote)
    .map((parts) => parts.flat());
  return fc.oneof({ arbitrary: ordinary, weight: 12 }, { arbitrary: conjunctions, weight: 1 });
}

/** Says that this object is an action, so that its kind keeps its literal type. */
function is<const A extends Action>(action: A): Action {
  return action;
}

function maybe(action: Arbitrary<Action>): Arbitrary<Action[]> {
  return fc.oneof(
    { arbitrary: fc.constant<Action[]>([]), weight: 4 },
    { arbitrary: action.map((one) => [one]), weight: 1 },
  );
}

const PORTS = fc.oneof(
  fc.integer({ min: 1, max: 0xfeff }),
  fc.constantFrom(PORT.IN_PORT, PORT.NORMAL, PORT.FLOOD, PORT.ALL, PORT.LOCAL),
);
const PHYSICAL = fc.integer({ min: 1, max: 0xfeff });
const TABLES = fc.integer({ min: 0, max: LAST_TABLE });

const OUTPUT: Arbitrary<Action> = fc.oneof(
  PORTS.map((port) => is({ kind: 'output', port })),
  fc.integer({ min: 0, max: 0xffff }).map((maxLen) => is({ kind: 'output', port: PORT.CONTROLLER, maxLen })),
  fc
    .tuple(PHYSICAL, fc.integer({ min: 14, max: 0xffff }))
    .map(([port, maxLen]) => is({ kind: 'output', port, maxLen })),
);

const NOTE: Arbitrary<Action> = fc
  .constantFrom(6, 14)
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
  .map((bytes) => is({ kind: 'note', bytes: Uint8Array.from(bytes) }));

const CONJUNCTION: Arbitrary<Action> = fc
  .tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 2, max: 64 }))
  .chain(([id, of]) => fc.integer({ min: 1, max: of }).map((clause) => is({ kind: 'conjunction', id, clause, of })));

const WRITE_METADATA: Arbitrary<Action> = fc.oneof(
  bitsOf(64).map((value) => is({ kind: 'write_metadata', value })),
  fc
    .tuple(bitsOf(64), fc.bigInt(1n, (1n << 64n) - 2n))
    .map(([value, mask]) => is({ kind: 'write_metadata', value: value & mask, mask })),
);

/** What a controller action has beyond a plain output to CONTROLLER: without any of it, it would be that. */
const CONTROLLER: Arbitrary<Action> = fc
  .tuple(
    fc.integer({ min: 0, max: 0xffff }),
    fc.constantFrom(0, 1, 2),
    fc.integer({ min: 1, max: 0xffff }),
    fc.option(fc.uint8Array({ minLength: 1, maxLength: 9 }), { nil: undefined }),
    fc.boolean(),
  )
  .map(([maxLen, reason, id, userdata, pause]) =>
    is({
      kind: 'controller',
      maxLen,
      reason,
      id,
      ...(userdata === undefined ? {} : { userdata: Uint8Array.from(userdata) }),
      ...(pause ? { pause } : {}),
    }),
  );

/** Fields that may be written under this match, in the table of fields' order. */
function writable({ eth_type, ip_proto, vlan_tci, icmpv6_type }: Match): readonly FieldName[] {
  const eth = eth_type?.value;
  const proto = ip_proto?.value;
  const isIp = eth === 0x800n || eth === 0x86ddn;
  const ports: Readonly<Record<string, readonly FieldName[]>> = {
    6: ['tcp_src', 'tcp_dst'],
    17: ['udp_src', 'udp_dst'],
    132: ['sctp_src', 'sctp_dst'],
  };
  return [
    ...ANYWHERE,
    ...(((vlan_tci?.value ?? 0n) & 0x1000n) === 0n ? [] : (['vlan_vid', 'vlan_pcp'] as const)),
    ...(isIp ? (['ip_dscp', 'ip_ecn', 'ip_ttl'] as const) : []),
    ...(eth === 0x800n ? (['ip_src', 'ip_dst'] as const) : []),
    ...(eth === 0x86ddn ? (['ipv6_src', 'ipv6_dst', 'ipv6_label'] as const) : []),
    ...(eth === 0x806n || eth === 0x8035n ? (['arp_op', 'arp_spa', 'arp_tpa', 'arp_sha', 'arp_tha'] as const) : []),
    ...(eth === 0x8847n || eth === 0x8848n ? (['mpls_label'] as const) : []),
    ...(isIp ? (ports[String(proto)] ?? []) : []),
    ...(eth === 0x800n && proto === 1n ? (['icmp_type', 'icmp_code'] as const) : []),
    ...(icmpv6_type?.value === 135n || icmpv6_type?.value === 136n ? (['nd_target'] as const) : []),
  ];
}

const ANYWHERE: readonly FieldName[] = [
  ...Array.from({ length: 16 }, (_, at) => `reg${at}` as FieldName),
  ...Array.from({ length: 8 }, (_, at) => `xreg${at}` as FieldName),
  ...([
    'metadata',
    'tun_id',
    'tun_src',
    'tun_dst',
    'tun_ipv6_src',
    'tun_ipv6_dst',
    'pkt_mark',
    'eth_src',
    'eth_dst',
  ] as const),
];

/** Fields that take a mask in set_field. */
function setField(name: FieldName): Arbitrary<Action> {
  const { bits, mask } = FIELDS[name];
  const full = (1n << BigInt(bits)) - 1n;
  // As in a match, an IPv6 mask begins with a letter.
  const lowest = bits === 128 ? full ^ (full >> 16n) : 1n;
  // A VLAN id is written with its tag bit, and Open vSwitch keeps eight bits of an ARP operation.
  const value = name === 'vlan_vid' ? bitsOf(12).map((vid) => vid | 0x1000n) : bitsOf(name === 'arp_op' ? 8 : bits);
  const exact = value.map((found) => is({ kind: 'set_field', field: name, value: found }));
  if (mask === 'none' || name === 'vlan_vid' || bits < 2) return exact;
  return fc.oneof(
    { arbitrary: exact, weight: 3 },
    {
      arbitrary: fc
        .tuple(value, fc.bigInt(lowest, full - 1n))
        .map(([found, some]) => is({ kind: 'set_field', field: name, value: found & some, mask: some })),
      weight: 1,
    },
  );
}

/** Some bits of a field, at most so many. */
function subfieldOf(name: FieldName, most: number): Arbitrary<Subfield> {
  const { bits: width } = FIELDS[name];
  return fc
    .integer({ min: 1, max: Math.min(width, most) })
    .chain((bits) => fc.integer({ min: 0, max: width - bits }).map((offset) => ({ field: name, offset, bits })));
}

/** Any of the fields that have at least so many bits. */
function fieldsOf(names: readonly FieldName[], bits: number): Arbitrary<FieldName> {
  return fc.constantFrom(...names.filter((name) => FIELDS[name].bits >= bits));
}

function moves(names: readonly FieldName[]): Arbitrary<Action> {
  return fc
    .constantFrom(...names)
    .chain((from) =>
      subfieldOf(from, FIELDS[from].bits).chain((src) =>
        fieldsOf(names, src.bits).chain((to) =>
          fc
            .integer({ min: 0, max: FIELDS[to].bits - src.bits })
            .map((offset) => is({ kind: 'move', src, dst: { field: to, offset, bits: src.bits } })),
        ),
      ),
    );
}

function loads(names: readonly FieldName[]): Arbitrary<Action> {
  return fc
    .constantFrom(...names)
    .chain((name) =>
      subfieldOf(name, 64).chain((dst) => bitsOf(dst.bits).map((value) => is({ kind: 'load', value, dst }))),
    );
}

/** Everything that Apply-Actions holds under this match. */
function applied(options: ActionOptions): Arbitrary<Action>[] {
  const { match, groups } = options;
  const names = writable(match);
  // Written whole: see `setField`.
  const partly = names.filter((name) => !/^(vlan_vid|vlan_pcp|arp_op)$/.test(name));
  const isIp = match.eth_type?.value === 0x800n || match.eth_type?.value === 0x86ddn;
  const simple: Arbitrary<Action>[] = [
    OUTPUT,
    NOTE,
    CONTROLLER,
    loads(partly),
    moves(partly),
    fc.constantFrom(...names).chain(setField),
    fc
      .constantFrom(...ANYWHERE)
      .chain((name) => subfieldOf(name, 16))
      .map((src) => is({ kind: 'output_reg', src })),
    fc.oneof(
      PHYSICAL.map((inPort) => is({ kind: 'resubmit', inPort })),
      TABLES.map((to) => is({ kind: 'resubmit', table: to })),
      fc.tuple(PHYSICAL, TABLES).map(([inPort, to]) => is({ kind: 'resubmit', inPort, table: to })),
    ),
    fc.constant(is({ kind: 'ct_clear' })),
    ...(groups.length === 0 ? [] : [fc.constantFrom(...groups).map((group) => is({ kind: 'group', group }))]),
    ...(isIp ? [fc.constant(is({ kind: 'dec_ttl' })), conntrack(match)] : []),
    ...(isTracked(match) ? [TABLES.map((to) => is({ kind: 'resubmit', table: to, ct: true }))] : []),
  ];
  const clone = fc.array(fc.oneof(...simple), { maxLength: 3 }).map((actions) => is({ kind: 'clone', actions }));
  return [...simple, clone];
}

function isTracked({ ct_state, eth_type }: Match): boolean {
  return (
    ct_state !== undefined &&
    (ct_state.value & 0x32n) === 0x22n &&
    (eth_type?.value === 0x800n || eth_type?.value === 0x86ddn)
  );
}

/** A tag put on, or one that the match knows of taken off. */
function tagging({ vlan_tci }: Match): Arbitrary<Action> {
  const tagged = ((vlan_tci?.value ?? 0n) & 0x1000n) !== 0n;
  const push = fc.constantFrom(0x8100, 0x88a8).map((ethType) => is({ kind: 'push_vlan', ethType }));
  return tagged ? fc.oneof(push, fc.constant(is({ kind: 'pop_vlan' }))) : push;
}

/** An action set holds each kind once; the switch keeps its order. */
function writeActions({ groups }: ActionOptions): Arbitrary<Action> {
  const register = bitsOf(32).map((value) => is({ kind: 'set_field', field: 'reg5', value }));
  const end =
    groups.length === 0
      ? PHYSICAL.map((port) => is({ kind: 'output', port }))
      : fc.constantFrom(...groups).map((group) => is({ kind: 'group', group }));
  return fc
    .tuple(fc.array(register, { maxLength: 1 }), end)
    .map(([first, last]) => is({ kind: 'write_actions', actions: [...first, last] }));
}

function conntrack({ eth_type, ip_proto, ct_state }: Match): Arbitrary<Action> {
  const family = eth_type?.value === 0x800n ? 4 : 6;
  const alg = ip_proto?.value === 6n ? 21 : ip_proto?.value === 17n ? 69 : undefined;
  const zone = fc.oneof(
    fc.integer({ min: 1, max: 0xffff }),
    fc.integer({ min: 0, max: 16 }).map((offset): Subfield => ({ field: 'reg4', offset, bits: 16 })),
  );
  const where = fc.record({ table: TABLES, zone }, { requiredKeys: [], noNullPrototype: true });
  const plain = fc
    .tuple(where, fc.option(fc.constant<Nat>({}), { nil: undefined }))
    .map(([at, nat]) => is({ kind: 'ct', ...at, ...(nat === undefined ? {} : { nat }) }));
  const commit = fc
    .record(
      {
        force: fc.constant(true),
        nat: natOf(family),
        exec: fc.array(EXEC, { minLength: 1, maxLength: 2 }),
        ...(alg === undefined ? {} : { alg: fc.constant(alg) }),
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    .chain((rest) => where.map((at) => is({ kind: 'ct', commit: true, ...rest, ...at })));
  // An invalid packet belongs to no connection that could be committed.
  return ((ct_state?.value ?? 0n) & 0x10n) === 0n ? fc.oneof(plain, commit) : plain;
}

/** Only the connection's own mark and label may be written in exec. */
const EXEC: Arbitrary<Action> = fc.oneof(
  setField('ct_mark'),
  setField('ct_label'),
  loads(['ct_mark', 'ct_label']),
  fc.constant(
    is({ kind: 'move', src: { field: 'reg0', offset: 0, bits: 32 }, dst: { field: 'ct_mark', offset: 0, bits: 32 } }),
  ),
);

function natOf(family: 4 | 6): Arbitrary<Nat> {
  const ranges = fc
    .tuple(bitsOf(family === 4 ? 32 : 128), fc.integer({ min: 0, max: 9 }))
    .filter(([min, more]) => min > 0n && min + BigInt(more) < 1n << (family === 4 ? 32n : 128n))
    .map(([ipMin, more]) => ({ ipMin, family, ...(more === 0 ? {} : { ipMax: ipMin + BigInt(more) }) }) as const);
  const ports = fc
    .tuple(fc.integer({ min: 1, max: 0xff00 }), fc.integer({ min: 0, max: 9 }))
    .map(([portMin, more]) => ({ portMin, ...(more === 0 ? {} : { portMax: portMin + more }) }));
  const flags = fc.oneof(
    fc.constant({}),
    fc.constant({ persistent: true }),
    fc.constant({ hash: true }),
    fc.constant({ persistent: true, random: true }),
  );
  return fc.constantFrom('src' as const, 'dst' as const).chain((direction) =>
    fc.oneof(
      fc.constant<Nat>({ direction }),
      fc
        .tuple(ranges, fc.oneof(fc.constant({}), ports), flags)
        .map(([range, port, some]): Nat => ({ direction, ...range, ...port, ...some })),
    ),
  );
}
