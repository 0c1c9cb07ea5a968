import type { Action } from '../action.ts';
import { FIELDS, type FieldName, fullMask } from '../fields.ts';
import type { ActionContext } from './action-context.ts';
import { parseIp, parseMac } from './address-text.ts';
import { fieldNamed, fieldOfNxm, needsProtocol, type Protocol } from './field-names.ts';
import { parseNumber } from './number-text.ts';
import type { Piece } from './piece.ts';
import { parseSubfield } from './subfield-text.ts';
import { parseFieldValue } from './value-text.ts';

/** What the value of NXAST_REG_LOAD holds. */
const MAX_LOAD_BITS = 64;

/** Reads `0x5->NXM_NX_REG0[0..15]`. */
export function parseLoad(argument: Piece, protocol: Protocol): Action {
  const [value, destination] = argument.halves('->') ?? argument.fail('a value, -> and a field');
  const dst = parseSubfield(destination, protocol);
  if (dst.bits > MAX_LOAD_BITS) destination.fail(`at most ${MAX_LOAD_BITS} bits; set_field writes more`);
  return { kind: 'load', value: parseNumber(value, dst.bits), dst };
}

/** Reads `NXM_NX_REG0[]->NXM_NX_TUN_ID[0..31]`. */
export function parseMove(argument: Piece, protocol: Protocol): Action {
  const [source, destination] = argument.halves('->') ?? argument.fail('two fields with -> between');
  const src = parseSubfield(source, protocol);
  const dst = parseSubfield(destination, protocol);
  if (src.bits !== dst.bits) destination.fail(`${src.bits} bits, as many as the source has`);
  return { kind: 'move', src, dst };
}

/** Reads `10.1.2.3->tun_dst` and `0x5/0xff->reg0`. */
export function parseSetField(argument: Piece, protocol: Protocol, ports?: ReadonlyMap<string, number>): Action {
  const [text, name] = argument.halves('->') ?? argument.fail('a value, -> and a field');
  if (name.text === 'nw_tos') return { kind: 'set_field', field: 'ip_dscp', value: dscpOf(text) };
  const field = fieldNamed(name.text, protocol) ?? fieldOfNxm(name.text);
  if (field === undefined) {
    return needsProtocol(name.text)
      ? name.fail(`a match on the protocol that ${name.text} belongs to`)
      : name.fail('a field', 'FLOW_FIELD_UNKNOWN');
  }
  const { value, mask } = parseFieldValue(field, text, ports);
  if (mask === undefined || mask === fullMask(field)) return { kind: 'set_field', field, value };
  return mask === 0n ? text.fail('a mask that is not zero') : { kind: 'set_field', field, value: value & mask, mask };
}

type LegacyParser = (piece: Piece, argument: Piece, context: ActionContext) => Action;

/** OpenFlow 1.0 actions that say exactly what a set_field says. */
export const LEGACY_SETTERS: Readonly<Record<string, LegacyParser>> = {
  mod_dl_src: setting('eth_src', (argument) => parseMac(argument).value),
  mod_dl_dst: setting('eth_dst', (argument) => parseMac(argument).value),
  mod_nw_src: setting('ip_src', (argument) => parseIp(argument, 4)),
  mod_nw_dst: setting('ip_dst', (argument) => parseIp(argument, 4)),
  mod_nw_tos: setting('ip_dscp', dscpOf),
  mod_nw_ecn: number('ip_ecn'),
  mod_nw_ttl: number('ip_ttl'),
  mod_tp_src: modPort('tp_src'),
  mod_tp_dst: modPort('tp_dst'),
  mod_vlan_vid: modVlan('vlan_vid', (argument) => parseNumber(argument, 12) | 0x1000n),
  mod_vlan_pcp: modVlan('vlan_pcp', (argument) => parseNumber(argument, 3)),
  set_tunnel: number('tun_id'),
  set_tunnel64: number('tun_id'),
};

function setting(field: FieldName, read: (argument: Piece) => bigint): LegacyParser {
  return (_, argument) => ({ kind: 'set_field', field, value: read(argument) });
}

function number(field: FieldName): LegacyParser {
  return setting(field, (argument) => parseNumber(argument, FIELDS[field].bits));
}

function modPort(name: 'tp_src' | 'tp_dst'): LegacyParser {
  return (piece, argument, { protocol }) => {
    const field = fieldNamed(name, protocol) ?? piece.fail('a match on tcp, udp or sctp');
    return { kind: 'set_field', field, value: parseNumber(argument, FIELDS[field].bits) };
  };
}

/** On a packet without a tag these push one, which set_field does not: they are read only where there is a tag. */
function modVlan(field: FieldName, read: (argument: Piece) => bigint): LegacyParser {
  return (piece, argument, { tagged }) =>
    tagged
      ? { kind: 'set_field', field, value: read(argument) }
      : piece.fail('a match on a VLAN tag', 'FLOW_ACTION_UNKNOWN');
}

function dscpOf(piece: Piece): bigint {
  const tos = parseNumber(piece, 8, 'a type of service whose two low bits are zero');
  return (tos & 3n) === 0n ? tos >> 2n : piece.fail('a type of service whose two low bits are zero');
}
