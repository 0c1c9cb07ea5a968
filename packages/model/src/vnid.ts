import { failModel } from './errors.ts';

/** A project's number: the VXLAN VNI of its packets, 24 bits (RFC 7348 §5). */
export type Vnid = number & { readonly vnid: unique symbol };

export const MAX_VNID = 0xff_ffff;

/** VNID 0: the global project, which reaches all and is reached by all. */
export const GLOBAL_VNID = 0 as Vnid;

/** The lowest number that is handed out; 1 to 9 are reserved, as openshift-sdn had it. */
export const FIRST_ALLOCATED_VNID = 10;

/** A checked VNID; VNID_OUT_OF_RANGE for anything that does not fit 24 bits. */
export function vnidOf(value: number): Vnid {
  if (!Number.isInteger(value) || value < 0 || value > MAX_VNID) failModel('VNID_OUT_OF_RANGE', { vnid: value });
  return value as Vnid;
}
