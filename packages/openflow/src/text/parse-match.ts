import { FIELDS, type FieldName, fullMask } from '../fields.ts';
import type { Masked, Match } from '../flow.ts';
import { canonicalMatch } from '../match.ts';
import { ETH, fieldNamed, fieldOfNxm, needsProtocol, PROTO, type Protocol, SHORTHANDS } from './field-names.ts';
import { parseNumber } from './number-text.ts';
import type { Piece } from './piece.ts';
import { parseSubfield } from './subfield-text.ts';
import { parseFieldValue } from './value-text.ts';

/**
 * Reads the fields of a match, in any order. What `ovs-ofctl` would quietly leave out (a field without its protocol,
 * the first of two values) is an error here: a flow that matches more than its text says is dangerous.
 */
export function parseMatch(pieces: readonly Piece[], ports?: ReadonlyMap<string, number>): Match {
  const found = new Found();
  const fields: Piece[] = [];
  for (const piece of pieces) {
    const shorthand = SHORTHANDS.find(([text]) => text === piece.text)?.[1];
    if (shorthand === undefined) fields.push(piece);
    else found.addProtocol(piece, shorthand);
  }
  // The protocol decides what other names mean, so its fields are read first.
  const isProtocol = ({ text }: Piece) => /^(dl_type|eth_type|nw_proto|ip_proto)\b/.test(text);
  for (const piece of [...fields.filter(isProtocol), ...fields.filter((piece) => !isProtocol(piece))]) {
    found.add(piece, ports);
  }
  const match = canonicalMatch(Object.fromEntries(found.values()));
  found.demandPrerequisites(match);
  return match;
}

class Found {
  readonly #fields = new Map<FieldName, { masked: Required<Masked>; piece: Piece }>();

  values(): readonly (readonly [FieldName, Masked])[] {
    return [...this.#fields].map(([name, { masked }]) => [name, masked]);
  }

  addProtocol(piece: Piece, { ethType, ipProto }: Protocol): void {
    if (ethType !== undefined) this.#merge('eth_type', piece, { value: ethType });
    if (ipProto !== undefined) this.#merge('ip_proto', piece, { value: ipProto });
  }

  add(piece: Piece, ports?: ReadonlyMap<string, number>): void {
    const [name, value] = piece.halves('=') ?? piece.fail('a field and its value', 'FLOW_FIELD_UNKNOWN');
    if (value.text === '') value.fail(`a value for ${name.text}`);
    const legacy = LEGACY.get(name.text);
    if (legacy !== undefined) {
      const [field, masked] = legacy(value);
      this.#merge(field, piece, masked);
    } else if (name.text.endsWith(']')) {
      const { field, offset, bits } = parseSubfield(name, this.#protocol());
      const shift = BigInt(offset);
      const mask = ((1n << BigInt(bits)) - 1n) << shift;
      this.#merge(field, piece, { value: parseNumber(value, bits) << shift, mask });
    } else {
      const field = this.#fieldOf(name);
      this.#merge(field, piece, parseFieldValue(field, value, ports));
    }
  }

  demandPrerequisites(match: Match): void {
    for (const [name, { piece }] of this.#fields) {
      const wanted = missing(name, match);
      if (wanted !== undefined) piece.fail(`${wanted} in the same match as ${name}`);
    }
  }

  #fieldOf(name: Piece): FieldName {
    const field = fieldNamed(name.text, this.#protocol()) ?? fieldOfNxm(name.text);
    if (field !== undefined) return field;
    return needsProtocol(name.text)
      ? name.fail(`the protocol that ${name.text} belongs to in the same match`)
      : name.fail('a match field', 'FLOW_FIELD_UNKNOWN');
  }

  #protocol(): Protocol {
    return {
      ethType: this.#fields.get('eth_type')?.masked.value,
      ipProto: this.#fields.get('ip_proto')?.masked.value,
    };
  }

  #merge(given: FieldName, piece: Piece, { value, mask = fullMask(given) }: Masked): void {
    if (FIELDS[given].mask === 'none' && mask !== fullMask(given)) piece.fail(`${given} without a mask`);
    // Both are bits of vlan_tci, and must not contradict each other.
    const [name, masked]: [FieldName, Required<Masked>] =
      given === 'vlan_pcp'
        ? ['vlan_tci', { value: (value << 13n) | 0x1000n, mask: 0xf000n }]
        : [given === 'vlan_vid' ? 'vlan_tci' : given, { value: value & mask, mask }];
    const before = this.#fields.get(name)?.masked ?? { value: 0n, mask: 0n };
    if (((before.value ^ masked.value) & before.mask & masked.mask) !== 0n) piece.fail(`one value for ${given}`);
    this.#fields.set(name, {
      masked: { value: before.value | masked.value, mask: before.mask | masked.mask },
      piece,
    });
  }
}

/** What must be matched as well before `name` means anything (ovs-fields(7)), if it is not. */
function missing(name: FieldName, { eth_type, ip_proto, icmpv6_type, vlan_tci }: Match): string | undefined {
  const eth = eth_type?.value;
  const proto = ip_proto?.value;
  const isIp = eth === ETH.ip || eth === ETH.ipv6;
  const unless = (met: boolean, wanted: string) => (met ? undefined : wanted);
  const { prerequisite } = FIELDS[name];
  switch (prerequisite) {
    case 'none':
      return undefined;
    case 'ip-any':
      return unless(isIp, 'ip or ipv6');
    case 'ipv4':
      return unless(eth === ETH.ip, 'ip');
    case 'ipv6':
      return unless(eth === ETH.ipv6, 'ipv6');
    case 'arp':
      return unless(eth === ETH.arp || eth === ETH.rarp, 'arp');
    case 'mpls':
      return unless(eth === ETH.mpls || eth === ETH.mplsm, 'mpls');
    case 'vlan':
      return unless(((vlan_tci?.value ?? 0n) & 0x1000n) !== 0n, 'dl_vlan');
    case 'tcp':
    case 'udp':
    case 'sctp':
      return unless(isIp && proto === PROTO[prerequisite], `${prerequisite} or ${prerequisite}6`);
    case 'icmp':
      return unless(eth === ETH.ip && proto === PROTO.icmp, 'icmp');
    case 'icmpv6':
      return unless(eth === ETH.ipv6 && proto === PROTO.icmp6, 'icmp6');
    case 'nd':
      return unless(
        eth === ETH.ipv6 && (icmpv6_type?.value === 135n || icmpv6_type?.value === 136n),
        'icmp6,icmp_type=135 or icmp6,icmp_type=136',
      );
  }
}

type LegacyParser = (value: Piece) => [FieldName, Masked];

/** OpenFlow 1.0 names that stand for part of a field. */
const LEGACY: ReadonlyMap<string, LegacyParser> = new Map<string, LegacyParser>([
  [
    'nw_tos',
    (value) => {
      const tos = parseNumber(value, 8, 'a type of service whose two low bits are zero');
      if ((tos & 3n) !== 0n) value.fail('a type of service whose two low bits are zero');
      return ['ip_dscp', { value: tos >> 2n }];
    },
  ],
  [
    'dl_vlan',
    (value) => {
      // 0xffff is OpenFlow 1.0's way to say: no tag.
      if (value.text === '0xffff' || value.text === '65535') return ['vlan_tci', { value: 0n }];
      return ['vlan_vid', { value: parseNumber(value, 12, 'a VLAN id up to 4095') | 0x1000n }];
    },
  ],
]);
