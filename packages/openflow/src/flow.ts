import type { Action } from './action.ts';
import type { FieldName } from './fields.ts';

/** A value under a mask; no mask means that every bit counts. */
export interface Masked {
  readonly value: bigint;
  readonly mask?: bigint;
}

/**
 * What a flow matches. Canonical (as `canonicalMatch` makes it): fields in table order, value bits outside the mask
 * zero, no full mask, no zero mask. Prerequisites are ordinary fields: `ip` is `{ eth_type: { value: 0x800n } }`.
 */
export type Match = Readonly<Partial<Record<FieldName, Masked>>>;

/** Counters and ages as the switch reports them. */
export interface FlowStats {
  readonly durationMs: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Absent where the protocol version does not carry it. */
  readonly idleAgeS?: number;
  readonly hardAgeS?: number;
}

/** One OpenFlow table entry (OpenFlow 1.4.1 §5.2). No actions means drop. */
export interface Flow {
  readonly table: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly match: Match;
  /** Actions and instructions in one list, as `ovs-ofctl` writes them; the codec sorts them into instructions. */
  readonly actions: readonly Action[];
  /** Seconds; 0 or absent: never. */
  readonly idleTimeoutS?: number;
  readonly hardTimeoutS?: number;
  /** OFPFF_* bits of OpenFlow 1.3–1.5 (send_flow_rem = 1, check_overlap = 2, reset_counts = 4 …). */
  readonly flags?: number;
  readonly importance?: number;
  readonly stats?: FlowStats;
}

/** The priority that OpenFlow and `ovs-ofctl` give a flow that names none. */
export const DEFAULT_PRIORITY = 32768;

/** Reserved ports (OpenFlow 1.4.1 §7.2.1). */
export const PORT = {
  IN_PORT: 0xffff_fff8,
  TABLE: 0xffff_fff9,
  NORMAL: 0xffff_fffa,
  FLOOD: 0xffff_fffb,
  ALL: 0xffff_fffc,
  CONTROLLER: 0xffff_fffd,
  LOCAL: 0xffff_fffe,
  ANY: 0xffff_ffff,
} as const;
