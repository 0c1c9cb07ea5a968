/** `struct ofp_match` with OXM fields (OpenFlow 1.4.1 §7.2.2). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import type { FieldName } from '../fields.ts';
import type { Masked, Match } from '../flow.ts';
import { canonicalMatch } from '../match.ts';
import { malformed } from './errors.ts';
import { type ReadOxm, readOxm, WIRE_FIELDS, writeOxm } from './field-codec.ts';

const OXM_MATCH = 1;

/** Writes a match and pads it to eight bytes. */
export function writeMatch(w: ByteWriter, match: Match): void {
  const start = w.length;
  w.u16(OXM_MATCH).u16(0);
  const fields = isInTableOrder(match) ? match : canonicalMatch(match);
  for (const name in fields) {
    const { value, mask } = fields[name as FieldName] as Masked;
    if (name === 'vlan_tci') writeVlanTci(w, value, mask);
    else writeOxm(w, WIRE_FIELDS[name as FieldName], value, mask);
  }
  w.setU16(start + 2, w.length - start);
  w.pad(8, start);
}

/** A switch refuses a field that comes before its prerequisite; the table is in an order that it accepts. */
function isInTableOrder(match: Match): boolean {
  let last = -1;
  for (const name in match) {
    const { index } = WIRE_FIELDS[name as FieldName];
    if (index < last) return false;
    last = index;
  }
  return true;
}

const CFI = 0x1000n;
const CFI_AND_VID = 0x1fffn;

/**
 * OpenFlow 1.2 and later know the two parts of `vlan_tci`: CFI and id as one field, and the priority of tagged packets
 * as another. What they cannot say goes as the one field of NXM.
 */
function writeVlanTci(w: ByteWriter, value: bigint, mask: bigint = WIRE_FIELDS.vlan_tci.full): void {
  const vid = value & CFI_AND_VID;
  const vidMask = mask & CFI_AND_VID;
  const pcpMask = mask >> 13n;
  const tagged = (vid & vidMask & CFI) !== 0n;
  const untagged = value === 0n && vidMask === CFI_AND_VID;
  if (vidMask === 0n || !(untagged || pcpMask === 0n || (pcpMask === 7n && tagged))) {
    writeOxm(w, WIRE_FIELDS.vlan_tci, value, mask === WIRE_FIELDS.vlan_tci.full ? undefined : mask);
    return;
  }
  writeOxm(w, WIRE_FIELDS.vlan_vid, vid, vidMask === CFI_AND_VID ? undefined : vidMask);
  if (pcpMask !== 0n && tagged) writeOxm(w, WIRE_FIELDS.vlan_pcp, value >> 13n, undefined);
}

/** Reads a match with its padding; the answer is canonical. */
export function readMatch(r: ByteReader): Match {
  const type = r.u16();
  const lengthBytes = r.u16();
  if (type !== OXM_MATCH) malformed('match', `its type is ${type}, not 1 (OXM)`);
  if (lengthBytes < 4) malformed('match', `it claims ${lengthBytes} bytes`);
  const fields = r.sub(lengthBytes - 4);
  r.skip((8 - (lengthBytes % 8)) % 8);
  const oxms: ReadOxm[] = [];
  let folded = false;
  let inOrder = true;
  let last = -1;
  while (fields.left > 0) {
    const oxm = readOxm(fields);
    const { index, name } = oxm.field;
    inOrder &&= index > last;
    last = index;
    folded ||= FOLDED.has(name);
    oxms.push(oxm);
  }
  if (!inOrder) sortOnce(oxms);
  const match: Partial<Record<FieldName, Masked>> = {};
  for (const { field, value, mask } of oxms) {
    if (mask === 0n) continue;
    match[field.name] = mask === undefined ? { value } : { value, mask };
  }
  return folded ? foldedMatch(match) : match;
}

/** Puts fields into table order; a switch has an order of its own. */
function sortOnce(oxms: ReadOxm[]): void {
  oxms.sort((a, b) => a.field.index - b.field.index);
  for (const [at, { field }] of oxms.entries())
    if (oxms[at + 1]?.field === field) malformed('match', `${field.name} comes twice`);
}

/** Fields that share their bits with others, and ct_state with its short mask: only they need canonicalMatch. */
const FOLDED: ReadonlySet<FieldName> = new Set<FieldName>([
  'ct_state',
  'vlan_vid',
  'vlan_pcp',
  'xreg0',
  'xreg1',
  'xreg2',
  'xreg3',
  'xreg4',
  'xreg5',
  'xreg6',
  'xreg7',
]);

function foldedMatch(match: Match): Match {
  try {
    return canonicalMatch(match);
  } catch (error) {
    if (error instanceof RangeError) malformed('match', error.message);
    throw error;
  }
}
