import type { FieldName } from './fields.ts';

/** Some bits of a field: `NXM_NX_REG0[0..15]` is `{ field: 'reg0', offset: 0, bits: 16 }`. */
export interface Subfield {
  readonly field: FieldName;
  readonly offset: number;
  readonly bits: number;
}

/** Address and port translation inside `ct` (ovs-actions(7), "The ct action"). Without src and dst: `nat` alone. */
export interface Nat {
  readonly direction?: 'src' | 'dst';
  readonly ipMin?: bigint;
  readonly ipMax?: bigint;
  /** The family of ipMin and ipMax. */
  readonly family?: 4 | 6;
  readonly portMin?: number;
  readonly portMax?: number;
  readonly persistent?: boolean;
  readonly hash?: boolean;
  readonly random?: boolean;
}

/** One action or instruction of a flow; the kinds are named as `ovs-ofctl` names them. */
export type Action =
  | { readonly kind: 'output'; readonly port: number; readonly maxLen?: number }
  | { readonly kind: 'output_reg'; readonly src: Subfield; readonly maxLen?: number }
  | { readonly kind: 'group'; readonly group: number }
  | {
      readonly kind: 'controller';
      readonly maxLen: number;
      readonly reason: number;
      readonly id: number;
      readonly userdata?: Uint8Array;
      readonly pause?: boolean;
      readonly meter?: number;
    }
  | { readonly kind: 'resubmit'; readonly inPort?: number; readonly table?: number; readonly ct?: boolean }
  | { readonly kind: 'load'; readonly value: bigint; readonly dst: Subfield }
  | { readonly kind: 'move'; readonly src: Subfield; readonly dst: Subfield }
  | { readonly kind: 'set_field'; readonly field: FieldName; readonly value: bigint; readonly mask?: bigint }
  | {
      readonly kind: 'ct';
      readonly commit?: boolean;
      readonly force?: boolean;
      readonly zone?: number | Subfield;
      readonly table?: number;
      readonly nat?: Nat;
      readonly exec?: readonly Action[];
      readonly alg?: number;
    }
  | { readonly kind: 'ct_clear' }
  | { readonly kind: 'note'; readonly bytes: Uint8Array }
  | { readonly kind: 'conjunction'; readonly id: number; readonly clause: number; readonly of: number }
  | { readonly kind: 'clone'; readonly actions: readonly Action[] }
  | { readonly kind: 'dec_ttl' }
  | { readonly kind: 'push_vlan'; readonly ethType: number }
  | { readonly kind: 'pop_vlan' }
  | { readonly kind: 'meter'; readonly meter: number }
  | { readonly kind: 'write_actions'; readonly actions: readonly Action[] }
  | { readonly kind: 'clear_actions' }
  | { readonly kind: 'write_metadata'; readonly value: bigint; readonly mask?: bigint }
  | { readonly kind: 'goto_table'; readonly table: number };

export type ActionKind = Action['kind'];

/** How many lists of actions one list may stand in: in text and on the wire, deeper ones are an error. */
export const MAX_ACTION_DEPTH = 16;
