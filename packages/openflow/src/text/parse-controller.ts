import type { Action } from '../action.ts';
import { PORT } from '../flow.ts';
import { parseBytes } from './bytes-text.ts';
import { parseCount } from './number-text.ts';
import type { Piece } from './piece.ts';

/** Packet-in reasons (OpenFlow 1.4.1 §7.4.1), by number. */
export const CONTROLLER_REASONS: readonly string[] = [
  'no_match',
  'action',
  'invalid_ttl',
  'action_set',
  'group',
  'packet_out',
];

/** What `controller` means where its text leaves it open. */
export const CONTROLLER_DEFAULT = { maxLen: 0xffff, reason: 1, id: 0 } as const;

/**
 * Reads the argument of `controller:128` or `controller(reason=…,max_len=…,id=…,userdata=…,pause,meter_id=…)`. With
 * nothing but a length it is an output to the reserved port, which is how the switch keeps it.
 */
export function parseController(argument: Piece, bracketed: boolean): Action {
  if (!bracketed) {
    const maxLen = argument.text === '' ? CONTROLLER_DEFAULT.maxLen : parseCount(argument, 16);
    return { kind: 'output', port: PORT.CONTROLLER, maxLen };
  }
  let { maxLen, reason, id }: { maxLen: number; reason: number; id: number } = CONTROLLER_DEFAULT;
  let userdata: Uint8Array | undefined;
  let meter: number | undefined;
  let pause = false;
  for (const part of argument.split(/[,\s]/)) {
    const [name, value] = part.halves('=') ?? [part, part.cut(part.text.length)];
    if (name.text === 'reason') reason = reasonOf(value);
    else if (name.text === 'max_len') maxLen = parseCount(value, 16);
    else if (name.text === 'id') id = parseCount(value, 16);
    else if (name.text === 'userdata') userdata = parseBytes(value, MAX_USERDATA_BYTES);
    else if (name.text === 'meter_id') meter = parseCount(value, 32);
    else if (part.text === 'pause') pause = true;
    else part.fail('reason=, max_len=, id=, userdata=, meter_id= or pause');
  }
  const isPlain =
    reason === CONTROLLER_DEFAULT.reason && id === 0 && !userdata?.length && meter === undefined && !pause;
  if (isPlain) return { kind: 'output', port: PORT.CONTROLLER, maxLen };
  return {
    kind: 'controller',
    maxLen,
    reason,
    id,
    // No bytes are the same as no userdata: the wire cannot tell them apart.
    ...(userdata?.length ? { userdata } : {}),
    ...(pause ? { pause } : {}),
    ...(meter === undefined ? {} : { meter }),
  };
}

/** What fits beside the other properties in an action of at most 64 KiB. */
const MAX_USERDATA_BYTES = 0xff00;

function reasonOf(piece: Piece): number {
  const at = CONTROLLER_REASONS.indexOf(piece.text);
  return at < 0 ? piece.fail(`one of ${CONTROLLER_REASONS.join(', ')}`) : at;
}
