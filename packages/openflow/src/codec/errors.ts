import { errorKinds, isTenetError, kind, sentenceOf } from '@tenet/std';

/** Every way in which bytes from a switch, or a value for one, fail to be OpenFlow. */
export const { error: codecError, table: CODEC_ERRORS } = errorKinds({
  OPENFLOW_FRAME_MALFORMED: kind<{ lengthBytes: number; limitBytes: number }>({
    says: ({ lengthBytes, limitBytes }) =>
      `an OpenFlow header claims ${lengthBytes} bytes, outside of 8 to ${limitBytes}`,
    remedy: () => 'check that the socket belongs to an OpenFlow switch',
  }),
  OPENFLOW_PEER_FOREIGN: kind<{ beginsHex: string }>({
    says: ({ beginsHex }) => `the peer begins with the bytes ${beginsHex}, which are no OpenFlow hello`,
    remedy: () => 'check that the socket belongs to an OpenFlow switch',
  }),
  OPENFLOW_MESSAGE_MALFORMED: kind<{ what: string; detail: string }>({
    says: ({ what, detail }) => `the ${what} is malformed: ${detail}`,
    remedy: () => 'check that the Open vSwitch version is a supported one',
  }),
  OPENFLOW_VERSION_UNSUPPORTED: kind<{ version: number }>({
    says: ({ version }) => `OpenFlow wire version ${version} is none of 4 (1.3), 5 (1.4) and 6 (1.5)`,
    remedy: () => 'check the protocols column of the bridge: it must allow OpenFlow13, OpenFlow14 or OpenFlow15',
  }),
  OPENFLOW_FIELD_UNKNOWN: kind<{ oxmClass: number; field: number; experimenter?: number }>({
    says: ({ oxmClass, field, experimenter }) =>
      `match field ${field} of class 0x${oxmClass.toString(16)}` +
      `${experimenter === undefined ? '' : ` of experimenter 0x${experimenter.toString(16)}`} is unknown`,
    remedy: () => 'remove the flow that uses it, or report which Open vSwitch feature wrote it',
  }),
  OPENFLOW_ACTION_UNKNOWN: kind<{ type: number; experimenter?: number; subtype?: number }>({
    says: ({ type, experimenter, subtype }) =>
      experimenter === undefined
        ? `action type ${type} is unknown`
        : `action ${subtype ?? '?'} of experimenter 0x${experimenter.toString(16)} is unknown`,
    remedy: () => 'remove the flow that uses it, or report which Open vSwitch feature wrote it',
  }),
  OPENFLOW_INSTRUCTION_UNKNOWN: kind<{ type: number }>({
    says: ({ type }) => `instruction type ${type} is unknown`,
    remedy: () => 'remove the flow that uses it, or report which Open vSwitch feature wrote it',
  }),
  OPENFLOW_MESSAGE_TOO_LONG: kind<{ what: string; lengthBytes: number }>({
    says: ({ what, lengthBytes }) => `the ${what} would be ${lengthBytes} bytes, more than the 65535 of a message`,
    remedy: () => 'choose fewer actions for the flow, or move some of them to a group or another table',
  }),
});

/** Throws OPENFLOW_MESSAGE_MALFORMED. */
export function malformed(what: string, detail: string, cause?: unknown): never {
  throw codecError('OPENFLOW_MESSAGE_MALFORMED', { what, detail }, cause);
}

/**
 * Runs a decoder; what is no error of ours becomes one that names what was being read: bytes that end too early, and
 * whatever else bytes from outside bring about.
 */
export function reading<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (isTenetError(error)) throw error;
    malformed(what, sentenceOf(error), error);
  }
}
