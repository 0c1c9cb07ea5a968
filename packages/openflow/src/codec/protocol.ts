/** The numbers of the protocol that more than one file needs (OpenFlow 1.3.5, 1.4.1, 1.5.1; Open vSwitch 3.1). */

/** Wire versions: 4 is OpenFlow 1.3, 5 is 1.4, 6 is 1.5. */
export type Version = 4 | 5 | 6;

export const OPENFLOW_13 = 4;
export const OPENFLOW_14 = 5;
export const OPENFLOW_15 = 6;

export function isVersion(version: number): version is Version {
  return version === OPENFLOW_13 || version === OPENFLOW_14 || version === OPENFLOW_15;
}

/** Bytes of the header that starts every message (OpenFlow 1.4.1 §7.1.1). */
export const HEADER_BYTES = 8;

/** The length of a message is 16 bits. */
export const MAX_MESSAGE_BYTES = 0xffff;

/** Experimenter ids: Nicira's extensions and the ONF's own. */
export const NICIRA = 0x0000_2320;
export const ONF = 0x4f4e_4600;

/** "Every table" in requests and deletions (OFPTT_ALL). */
export const ALL_TABLES = 0xff;

/** "Every group" (OFPG_ALL) and "no group wanted" (OFPG_ANY). */
export const ALL_GROUPS = 0xffff_fffc;
export const ANY_GROUP = 0xffff_ffff;

/** No buffered packet (OFP_NO_BUFFER). */
export const NO_BUFFER = 0xffff_ffff;

/** The mask of a 64-bit value that counts whole, such as a cookie or the metadata. */
export const ALL_ONES_64 = 0xffff_ffff_ffff_ffffn;
