/** Names of the errors that a switch may send, by type and code (OpenFlow 1.4.1 §7.5.4, 1.5.1 §7.5.4). */
import { NICIRA, ONF } from './protocol.ts';

/** Names of an error: its type, and its code within the type. */
export interface ErrorName {
  readonly typeName: string;
  readonly codeName: string;
}

/** The type under which experimenters send errors of their own. */
export const EXPERIMENTER_ERROR = 0xffff;

// biome-ignore format: one type per line, codes in the order of their numbers
const TYPES: readonly (readonly [type: string, prefix: string, codes: readonly string[]])[] = [
  ['OFPET_HELLO_FAILED', 'OFPHFC', ['INCOMPATIBLE', 'EPERM']],
  ['OFPET_BAD_REQUEST', 'OFPBRC', ['BAD_VERSION', 'BAD_TYPE', 'BAD_MULTIPART', 'BAD_EXPERIMENTER', 'BAD_EXP_TYPE', 'EPERM', 'BAD_LEN', 'BUFFER_EMPTY', 'BUFFER_UNKNOWN', 'BAD_TABLE_ID', 'IS_SLAVE', 'BAD_PORT', 'BAD_PACKET', 'MULTIPART_BUFFER_OVERFLOW', 'MULTIPART_REQUEST_TIMEOUT', 'MULTIPART_REPLY_TIMEOUT']],
  ['OFPET_BAD_ACTION', 'OFPBAC', ['BAD_TYPE', 'BAD_LEN', 'BAD_EXPERIMENTER', 'BAD_EXP_TYPE', 'BAD_OUT_PORT', 'BAD_ARGUMENT', 'EPERM', 'TOO_MANY', 'BAD_QUEUE', 'BAD_OUT_GROUP', 'MATCH_INCONSISTENT', 'UNSUPPORTED_ORDER', 'BAD_TAG', 'BAD_SET_TYPE', 'BAD_SET_LEN', 'BAD_SET_ARGUMENT', 'BAD_SET_MASK']],
  ['OFPET_BAD_INSTRUCTION', 'OFPBIC', ['UNKNOWN_INST', 'UNSUP_INST', 'BAD_TABLE_ID', 'UNSUP_METADATA', 'UNSUP_METADATA_MASK', 'BAD_EXPERIMENTER', 'BAD_EXP_TYPE', 'BAD_LEN', 'EPERM', 'DUP_INST']],
  ['OFPET_BAD_MATCH', 'OFPBMC', ['BAD_TYPE', 'BAD_LEN', 'BAD_TAG', 'BAD_DL_ADDR_MASK', 'BAD_NW_ADDR_MASK', 'BAD_WILDCARDS', 'BAD_FIELD', 'BAD_VALUE', 'BAD_MASK', 'BAD_PREREQ', 'DUP_FIELD', 'EPERM']],
  ['OFPET_FLOW_MOD_FAILED', 'OFPFMFC', ['UNKNOWN', 'TABLE_FULL', 'BAD_TABLE_ID', 'OVERLAP', 'EPERM', 'BAD_TIMEOUT', 'BAD_COMMAND', 'BAD_FLAGS', 'CANT_SYNC', 'BAD_PRIORITY', 'IS_SYNC']],
  ['OFPET_GROUP_MOD_FAILED', 'OFPGMFC', ['GROUP_EXISTS', 'INVALID_GROUP', 'WEIGHT_UNSUPPORTED', 'OUT_OF_GROUPS', 'OUT_OF_BUCKETS', 'CHAINING_UNSUPPORTED', 'WATCH_UNSUPPORTED', 'LOOP', 'UNKNOWN_GROUP', 'CHAINED_GROUP', 'BAD_TYPE', 'BAD_COMMAND', 'BAD_BUCKET', 'BAD_WATCH', 'EPERM', 'UNKNOWN_BUCKET', 'BUCKET_EXISTS']],
  ['OFPET_PORT_MOD_FAILED', 'OFPPMFC', ['BAD_PORT', 'BAD_HW_ADDR', 'BAD_CONFIG', 'BAD_ADVERTISE', 'EPERM']],
  ['OFPET_TABLE_MOD_FAILED', 'OFPTMFC', ['BAD_TABLE', 'BAD_CONFIG', 'EPERM']],
  ['OFPET_QUEUE_OP_FAILED', 'OFPQOFC', ['BAD_PORT', 'BAD_QUEUE', 'EPERM']],
  ['OFPET_SWITCH_CONFIG_FAILED', 'OFPSCFC', ['BAD_FLAGS', 'BAD_LEN', 'EPERM']],
  ['OFPET_ROLE_REQUEST_FAILED', 'OFPRRFC', ['STALE', 'UNSUP', 'BAD_ROLE', 'ID_UNSUP', 'ID_IN_USE']],
  ['OFPET_METER_MOD_FAILED', 'OFPMMFC', ['UNKNOWN', 'METER_EXISTS', 'INVALID_METER', 'UNKNOWN_METER', 'BAD_COMMAND', 'BAD_FLAGS', 'BAD_RATE', 'BAD_BURST', 'BAD_BAND', 'BAD_BAND_VALUE', 'OUT_OF_METERS', 'OUT_OF_BANDS']],
  ['OFPET_TABLE_FEATURES_FAILED', 'OFPTFFC', ['BAD_TABLE', 'BAD_METADATA', 'BAD_TYPE', 'BAD_LEN', 'BAD_ARGUMENT', 'EPERM', 'BAD_CAPA', 'BAD_MAX_ENT', 'BAD_FEATURES', 'BAD_COMMAND', 'TOO_MANY']],
  ['OFPET_BAD_PROPERTY', 'OFPBPC', ['BAD_TYPE', 'BAD_LEN', 'BAD_VALUE', 'TOO_MANY', 'DUP_TYPE', 'BAD_EXPERIMENTER', 'BAD_EXP_TYPE', 'BAD_EXP_VALUE', 'EPERM']],
  ['OFPET_ASYNC_CONFIG_FAILED', 'OFPACFC', ['INVALID', 'UNSUPPORTED', 'EPERM']],
  ['OFPET_FLOW_MONITOR_FAILED', 'OFPMOFC', ['UNKNOWN', 'MONITOR_EXISTS', 'INVALID_MONITOR', 'UNKNOWN_MONITOR', 'BAD_COMMAND', 'BAD_FLAGS', 'BAD_TABLE_ID', 'BAD_OUT']],
  ['OFPET_BUNDLE_FAILED', 'OFPBFC', ['UNKNOWN', 'EPERM', 'BAD_ID', 'BUNDLE_EXIST', 'BUNDLE_CLOSED', 'OUT_OF_BUNDLES', 'BAD_TYPE', 'BAD_FLAGS', 'MSG_BAD_LEN', 'MSG_BAD_XID', 'MSG_UNSUP', 'MSG_CONFLICT', 'MSG_TOO_MANY', 'MSG_FAILED', 'TIMEOUT', 'BUNDLE_IN_PROGRESS', 'SCHED_NOT_SUPPORTED', 'SCHED_FUTURE', 'SCHED_PAST', 'BAD_VERSION']],
];

/** OpenFlow 1.3 has no bundles: the ONF extension numbers their errors from here, in the order of OFPBFC. */
const ONF_BUNDLE_ERRORS = 2300;

/** Other errors of the ONF's extensions to OpenFlow 1.3 and 1.4. */
const ONF_CODES: Readonly<Record<number, string>> = { 2600: 'OFPBIC_DUP_INST', 4250: 'OFPBAC_BAD_SET_MASK' };

/** Nicira's own, as Open vSwitch numbers them from OpenFlow 1.2 on. */
const NICIRA_CODES: Readonly<Record<number, string>> = {
  2: 'NXBRC_NXM_INVALID',
  3: 'NXBRC_NXM_BAD_TYPE',
  4: 'NXBRC_MUST_BE_ZERO',
  5: 'NXBRC_BAD_REASON',
  9: 'NXBRC_FM_BAD_EVENT',
  10: 'NXBRC_UNENCODABLE_ERROR',
  11: 'NXBAC_MUST_BE_ZERO',
  12: 'NXFMFC_HARDWARE',
  13: 'NXFMFC_BAD_TABLE_ID',
  15: 'NXBAC_BAD_CONJUNCTION',
  16: 'NXTTMFC_BAD_COMMAND',
  17: 'NXTTMFC_BAD_OPT_LEN',
  18: 'NXTTMFC_BAD_FIELD_IDX',
  19: 'NXTTMFC_TABLE_FULL',
  20: 'NXTTMFC_ALREADY_MAPPED',
  21: 'NXTTMFC_DUP_ENTRY',
  22: 'OFPBFC_BAD_VERSION',
  23: 'NXQOFC_QUEUE_ERROR',
  34: 'NXR_NOT_SUPPORTED',
  35: 'NXR_STALE',
  36: 'NXST_NOT_CONFIGURED',
};

/** The names of an error; numbers where a newer switch has errors that we have no name for. */
export function errorName(type: number, code: number, experimenter?: number): ErrorName {
  if (experimenter !== undefined) {
    return { typeName: 'OFPET_EXPERIMENTER', codeName: experimenterName(experimenter, code) ?? `${code}` };
  }
  const found = TYPES[type];
  if (found === undefined) return { typeName: `${type}`, codeName: `${code}` };
  const [typeName, prefix, codes] = found;
  return { typeName, codeName: codes[code] === undefined ? `${prefix}_${code}` : `${prefix}_${codes[code]}` };
}

function experimenterName(experimenter: number, code: number): string | undefined {
  if (experimenter === NICIRA) return NICIRA_CODES[code];
  if (experimenter !== ONF) return undefined;
  const bundle = TYPES.find(([type]) => type === 'OFPET_BUNDLE_FAILED')?.[2][code - ONF_BUNDLE_ERRORS];
  return bundle === undefined ? ONF_CODES[code] : `OFPBFC_${bundle}`;
}
