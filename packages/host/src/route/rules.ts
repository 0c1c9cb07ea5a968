import { type Family, Ip, Prefix } from '@tenet/std';
import { failHost } from '../errors.ts';
import { attributes, readAttributes } from '../netlink/attributes.ts';
import { readText, readU32, text, u8, u32 } from '../netlink/bytes.ts';
import { AF, FIB_RULE_INVERT, FR_ACT, FRA } from '../netlink/constants.ts';
import { struct } from '../netlink/struct.ts';
import { familyNumber } from './routes.ts';

export type RuleAction = keyof typeof FR_ACT;

/** A rule of the policy routing database (ip-rule(8)): which packets look into which table, lowest priority first. */
export interface Rule {
  readonly family: Family;
  readonly priority: number;
  /** `table` looks into `table`; the others end or go on without one. */
  readonly action: RuleAction;
  /** The table that a rule with the action `table` looks into. */
  readonly table?: number;
  readonly from?: Prefix;
  readonly to?: Prefix;
  readonly inputLink?: string;
  readonly outputLink?: string;
  /** The packet mark, compared under `mask`. */
  readonly mark?: number;
  readonly mask?: number;
  /** Selects the packets that do not match. */
  readonly invert?: boolean;
  /** Ignores routes of the table that are this short or shorter: 0 ignores default routes. */
  readonly suppressPrefixLength?: number;
  /** Who made it (RTPROT). */
  readonly protocol?: number;
}

/** `struct fib_rule_hdr` (fib_rules.h). */
// biome-ignore format: the fields of the header file
const fibRuleHdr = struct({
  family: 'u8', toLength: 'u8', fromLength: 'u8', tos: 'u8', table: 'u8', res1: 'u8', res2: 'u8', action: 'u8',
  flags: 'u32',
});

/** The body of RTM_NEWRULE and RTM_DELRULE. */
export function encodeRule(rule: Rule): Uint8Array[] {
  const { family, priority, action, table, from, to, inputLink, outputLink, mark, mask, invert, protocol } = rule;
  const header = {
    family: familyNumber(family),
    toLength: to?.length ?? 0,
    fromLength: from?.length ?? 0,
    action: FR_ACT[action],
    flags: invert ? FIB_RULE_INVERT : 0,
  };
  return [
    fibRuleHdr.write(header),
    attributes(
      [FRA.DST, to?.address.toBytes()],
      [FRA.SRC, from?.address.toBytes()],
      [FRA.IIFNAME, inputLink === undefined ? undefined : text(inputLink)],
      [FRA.OIFNAME, outputLink === undefined ? undefined : text(outputLink)],
      [FRA.PRIORITY, u32(priority)],
      [FRA.FWMARK, optionalU32(mark)],
      [FRA.FWMASK, optionalU32(mask)],
      [FRA.TABLE, optionalU32(table)],
      [FRA.SUPPRESS_PREFIXLEN, optionalU32(rule.suppressPrefixLength)],
      [FRA.PROTOCOL, protocol === undefined ? undefined : u8(protocol)],
    ),
  ];
}

/** The body that asks for all rules of a family. */
export function encodeRuleQuery(family: Family): Uint8Array[] {
  return [fibRuleHdr.write({ family: familyNumber(family) })];
}

/** Reads the body of an RTM_NEWRULE message. */
export function decodeRule(body: Uint8Array): Rule {
  const { family, toLength, fromLength, table, action, flags } = fibRuleHdr.read(body);
  const found = readAttributes(body, fibRuleHdr.lengthBytes);
  const number = (type: number) => {
    const value = found.get(type);
    return value && readU32(value);
  };
  const [to, from, input, output] = [FRA.DST, FRA.SRC, FRA.IIFNAME, FRA.OIFNAME].map((type) => found.get(type));
  const [mark, mask] = [number(FRA.FWMARK), number(FRA.FWMASK)];
  const suppress = number(FRA.SUPPRESS_PREFIXLEN);
  const protocol = found.get(FRA.PROTOCOL)?.[0];
  const name = actionOf(action);
  return {
    family: family === AF.INET ? 4 : 6,
    priority: number(FRA.PRIORITY) ?? 0,
    action: name,
    ...(name === 'table' && { table: number(FRA.TABLE) ?? table }),
    ...(from && { from: Prefix.of(Ip.fromBytes(from), fromLength) }),
    ...(to && { to: Prefix.of(Ip.fromBytes(to), toLength) }),
    ...(input && { inputLink: readText(input) }),
    ...(output && { outputLink: readText(output) }),
    ...(mark !== undefined && { mark }),
    ...(mask !== undefined && { mask }),
    ...((flags & FIB_RULE_INVERT) !== 0 && { invert: true }),
    // All ones stands for "none".
    ...(suppress !== undefined && suppress !== 0xffff_ffff && { suppressPrefixLength: suppress }),
    ...(protocol !== undefined && { protocol }),
  };
}

function optionalU32(value: number | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : u32(value);
}

function actionOf(value: number): RuleAction {
  for (const [name, number] of Object.entries(FR_ACT)) if (number === value) return name as RuleAction;
  return failHost('NETLINK_MALFORMED', { why: `a rule with the action ${value}` });
}
