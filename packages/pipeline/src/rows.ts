import {
  type Action,
  canonicalMatch,
  FIELDS,
  type FieldName,
  type Flow,
  type MatchInput,
  type Subfield,
} from '@tenet/openflow';
import type { Ip, Mac, Prefix } from '@tenet/std';
import { type CookieKind, cookieOf, dropCookie } from './cookie.ts';
import type { DropClass } from './drop-classes.ts';
import { TABLES, type TableName } from './tables.ts';

/** A flow as a table's file writes it: what it matches, what it does, and why it is there. */
export interface Row {
  readonly priority: number;
  readonly match: MatchInput;
  readonly apply: readonly Action[] | DropClass;
  readonly why: string;
}

/** Whose flow it is: a cookie kind and the id of the owner. */
export interface Owner {
  readonly kind: Exclude<CookieKind, 'drop'>;
  readonly id: number;
}

export const STATIC: Owner = { kind: 'static', id: 0 };

/** The flow that a row of a table is, for its owner. A drop's cookie is its class, also for pods and peers. */
export function flowOf(table: TableName, row: Row, owner: Owner): Flow {
  const { apply } = row;
  const dropped = typeof apply === 'string';
  return {
    table: TABLES[table].id,
    priority: row.priority,
    cookie: dropped ? dropCookie(apply) : cookieOf(owner.kind, owner.id),
    match: canonicalMatch(row.match),
    actions: dropped ? [] : apply,
  };
}

// ---- the small language of rows: matches

const ETH_IPV4 = 0x0800;
const ETH_ARP = 0x0806;
const ETH_IPV6 = 0x86dd;

export const IP: MatchInput = { eth_type: ETH_IPV4 };
export const ARP: MatchInput = { eth_type: ETH_ARP };
export const IPV6: MatchInput = { eth_type: ETH_IPV6 };
export const TCP: MatchInput = { eth_type: ETH_IPV4, ip_proto: 6 };
export const UDP: MatchInput = { eth_type: ETH_IPV4, ip_proto: 17 };
export const SCTP: MatchInput = { eth_type: ETH_IPV4, ip_proto: 132 };
export const ICMP: MatchInput = { eth_type: ETH_IPV4, ip_proto: 1 };

/** The value of `ip_frag` in all fragments but the first (ovs-fields(7): any fragment, and not the first). */
export const LATER_FRAGMENT = 3;

/** An address, a prefix, or a MAC as the value of a field. */
export function to(target: Ip | Prefix | Mac): { readonly value: bigint; readonly mask?: bigint } {
  return 'length' in target ? { value: target.address.value, mask: target.mask } : { value: target.value };
}

// ---- actions

export function goTo(table: TableName): Action {
  return { kind: 'goto_table', table: TABLES[table].id };
}

export function output(port: number): Action {
  return { kind: 'output', port };
}

/** All bits of a field. */
function whole(field: FieldName): Subfield {
  return { field, offset: 0, bits: FIELDS[field].bits };
}

export function load(value: number, field: FieldName): Action {
  return { kind: 'load', value: BigInt(value), dst: whole(field) };
}

export const OUTPUT_REG2: Action = { kind: 'output_reg', src: whole('reg2') };

/** VNI and VNID have 24 bits; 32 of tun_id are moved, as the register is wide. */
const TUNNEL_ID: Subfield = { field: 'tun_id', offset: 0, bits: 32 };

export const VNI_TO_REG0: Action = { kind: 'move', src: TUNNEL_ID, dst: whole('reg0') };
export const REG0_TO_VNI: Action = { kind: 'move', src: whole('reg0'), dst: TUNNEL_ID };

export function loadVni(vnid: number): Action {
  return { kind: 'load', value: BigInt(vnid), dst: TUNNEL_ID };
}

export function setField(field: FieldName, target: Ip | Mac): Action {
  return { kind: 'set_field', field, value: target.value };
}
