import type { Family } from '@tenet/std';
import type { Action, Nat } from '../action.ts';
import type { ActionContext } from './action-context.ts';
import { parseIp } from './address-text.ts';
import { parseCount } from './number-text.ts';
import type { Piece } from './piece.ts';
import { parseSubfield } from './subfield-text.ts';
import { parseTable } from './table-text.ts';

/** Connection helpers by the port that the wire format names them by (ovs-actions(7), "The ct action"). */
export const CT_HELPERS: ReadonlyMap<string, number> = new Map([
  ['ftp', 21],
  ['tftp', 69],
]);

type Ct = { -readonly [K in keyof Extract<Action, { kind: 'ct' }>]: Extract<Action, { kind: 'ct' }>[K] };

/** Reads what stands inside `ct(…)`; `actions` reads the list inside `exec(…)`. */
export function parseCt(
  argument: Piece,
  context: ActionContext,
  actions: (piece: Piece, context: ActionContext) => readonly Action[],
): Action {
  const ct: Ct = { kind: 'ct' };
  for (const part of argument.split(/[,\s]/)) {
    const inside = /^(nat|exec)\(/.test(part.text) && part.cut(part.text.indexOf('(') + 1, part.text.length - 1);
    const [name, value] = part.halves('=') ?? [part, part];
    if (part.text === 'commit') ct.commit = true;
    else if (part.text === 'force') ct.force = true;
    else if (part.text === 'nat') ct.nat = {};
    else if (inside && part.text.endsWith(')') && part.text.startsWith('nat')) ct.nat = parseNat(inside);
    else if (inside && part.text.endsWith(')')) ct.exec = actions(inside, context);
    else if (name.text === 'table') ct.table = parseTable(value, context.tables);
    else if (name.text === 'zone') setZone(ct, value, context);
    else if (name.text === 'alg') ct.alg = CT_HELPERS.get(value.text) ?? value.fail('ftp or tftp');
    else part.fail('commit, force, table=, zone=, nat, exec(…) or alg=', 'FLOW_ACTION_UNKNOWN');
  }
  if (ct.force && !ct.commit) argument.fail('commit beside force');
  if (ct.exec?.length === 0) delete ct.exec;
  return ct;
}

/** Zone 0 is what no zone means. */
function setZone(ct: Ct, value: Piece, { protocol }: ActionContext): void {
  if (!/^\d/.test(value.text)) {
    const zone = parseSubfield(value, protocol);
    if (zone.bits !== 16) value.fail('a field of 16 bits');
    ct.zone = zone;
    return;
  }
  const zone = parseCount(value, 16, 'a zone from 0 to 65535 or a field');
  if (zone !== 0) ct.zone = zone;
}

/** Reads `src=10.0.0.1-10.0.0.9:1024-2047,random`; without an address the flags mean nothing and are not kept. */
function parseNat(argument: Piece): Nat {
  const flags: { persistent?: boolean; hash?: boolean; random?: boolean } = {};
  let direction: 'src' | 'dst' | undefined;
  let range: Nat = {};
  for (const part of argument.split(/[,\s]/)) {
    const [name, value] = part.halves('=') ?? [part, undefined];
    switch (name.text) {
      case 'src':
      case 'dst':
        if (direction !== undefined) part.fail('src or dst once');
        direction = name.text;
        if (value !== undefined) range = parseNatRange(value);
        break;
      case 'persistent':
      case 'hash':
      case 'random':
        if (value !== undefined) part.fail(`${name.text} without a value`);
        flags[name.text] = true;
        break;
      default:
        part.fail('src, dst, persistent, hash or random');
    }
  }
  if (flags.hash && flags.random) argument.fail('hash or random, not both');
  if (direction === undefined) return flags.persistent || flags.hash || flags.random ? argument.fail('src or dst') : {};
  return range.family === undefined ? { direction } : { direction, ...range, ...flags };
}

/** An IPv6 address stands in brackets when a port follows. */
const NAT_RANGE =
  /^(?:\[([0-9a-f:.]+)\](?:-\[([0-9a-f:.]+)\])?|([\d.]+)(?:-([\d.]+))?|([0-9a-f:.]+)(?:-([0-9a-f:.]+))?)$/di;

function parseNatRange(piece: Piece): Nat {
  const isBare6 = !piece.text.startsWith('[') && (piece.text.match(/:/g)?.length ?? 0) > 2;
  const portAt = isBare6 ? -1 : piece.text.search(/(?<=[\].\d]):(?=\d+(-\d+)?$)/);
  const addresses = portAt < 0 ? piece : piece.cut(0, portAt);
  const found = NAT_RANGE.exec(addresses.text);
  const [first, last] = (found?.indices ?? []).slice(1).filter((pair) => pair !== undefined);
  if (first === undefined) return piece.fail('an address, or two with a hyphen, and perhaps a port behind a colon');
  const family: Family = addresses.text.includes(':') ? 6 : 4;
  const ipMin = parseIp(addresses.cut(...first), family);
  const ipMax = last === undefined ? ipMin : parseIp(addresses.cut(...last), family);
  if (ipMax < ipMin) piece.fail('the lower address first');
  return {
    ipMin,
    ...(ipMax === ipMin ? {} : { ipMax }),
    family,
    ...(portAt < 0 ? {} : parseNatPorts(piece.cut(portAt + 1))),
  };
}

function parseNatPorts(piece: Piece): Pick<Nat, 'portMin' | 'portMax'> {
  const [min, max] = piece.halves('-') ?? [piece, undefined];
  const portMin = parseCount(min, 16, 'a port');
  const portMax = max === undefined ? portMin : parseCount(max, 16, 'a port');
  if (portMin === 0 || portMax < portMin) piece.fail('ports from 1 to 65535, the lower one first');
  return portMax === portMin ? { portMin } : { portMin, portMax };
}
