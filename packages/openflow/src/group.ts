import type { Action } from './action.ts';

/** What a group does with its buckets: all of them, one by hash, its only one, the first that is alive. */
export type GroupType = 'all' | 'select' | 'indirect' | 'ff';

/** One list of actions of a group (OpenFlow 1.4.1 §5.6.1). */
export interface Bucket {
  /** Only OpenFlow 1.5 reports it; the bucket's place in the list when absent. */
  readonly id?: number;
  /** Its share in a select group: 1 when absent. */
  readonly weight?: number;
  /** The bucket is alive while this port, or this group, is. */
  readonly watchPort?: number;
  readonly watchGroup?: number;
  readonly actions: readonly Action[];
}

/** One entry of the group table. */
export interface Group {
  readonly id: number;
  readonly type: GroupType;
  readonly buckets: readonly Bucket[];
}
