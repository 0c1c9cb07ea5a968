import { failHost } from '../errors.ts';
import { readAttributes } from './attributes.ts';
import { aligned, joined, readText, readU16, readU32 } from './bytes.ts';
import { NLM_F, NLMSG, NLMSGERR_ATTR } from './constants.ts';
import { struct } from './struct.ts';

/** `struct nlmsghdr` (RFC 3549 §2.3.2): the length counts the header. */
const nlmsghdr = struct({ length: 'u32', type: 'u16', flags: 'u16', sequence: 'u32', port: 'u32' });

/** The start of `struct nlmsgerr`: a negative error number, or zero for an acknowledgement. */
const nlmsgerr = struct({ error: 'i32' });

/** A netlink message: what it is about, and its body (a fixed header and attributes). */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** How the kernel ended a request: `errno` is zero for success. */
export interface Verdict {
  readonly errno: number;
  /** Its own sentence (NLMSGERR_ATTR_MSG), when it gave one. */
  readonly sentence?: string;
}

export function encodeMessage({ type, flags, sequence, body }: NetlinkMessage): Uint8Array {
  const header = nlmsghdr.write({ length: nlmsghdr.lengthBytes + body.length, type, flags, sequence });
  return joined([header, body, new Uint8Array(aligned(body.length) - body.length)]);
}

/** Reads the messages of one datagram; their bodies are not copied. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at < datagram.length; ) {
    const left = datagram.length - at;
    if (left < nlmsghdr.lengthBytes) failHost('NETLINK_MALFORMED', { why: `a header in ${left} bytes` });
    // Field by field, as lists have many: by the struct it takes ten times as long.
    const length = readU32(datagram, at);
    const type = readU16(datagram, at + 4);
    const flags = readU16(datagram, at + 6);
    const sequence = readU32(datagram, at + 8);
    if (length < nlmsghdr.lengthBytes || length > left)
      failHost('NETLINK_MALFORMED', { why: `a message of ${length} bytes, ${left} are left` });
    messages.push({ type, flags, sequence, body: datagram.subarray(at + nlmsghdr.lengthBytes, at + length) });
    at += aligned(length);
  }
  return messages;
}

/** Reads NLMSG_ERROR, or NLMSG_DONE at the end of a dump; undefined for any other message. */
export function verdictOf({ type, flags, body }: NetlinkMessage): Verdict | undefined {
  if (type !== NLMSG.ERROR && type !== NLMSG.DONE) return undefined;
  if (body.length < nlmsgerr.lengthBytes)
    return type === NLMSG.DONE ? { errno: 0 } : failHost('NETLINK_MALFORMED', { why: 'an error without a number' });
  const errno = 0 - nlmsgerr.read(body).error;
  const sentence = (flags & NLM_F.ACK_TLVS) === 0 ? undefined : sentenceOf(body, type, flags);
  return sentence === undefined ? { errno } : { errno, sentence };
}

/** Behind the number an error repeats the request: whole, or its header alone when it is capped (NLM_F_CAPPED). */
function sentenceOf(body: Uint8Array, type: number, flags: number): string | undefined {
  const echo = nlmsgerr.lengthBytes;
  let headerBytes = echo;
  if (type === NLMSG.ERROR) {
    if (body.length < echo + nlmsghdr.lengthBytes)
      failHost('NETLINK_MALFORMED', { why: 'an error without the header of its request' });
    const whole = nlmsghdr.read(body.subarray(echo)).length;
    headerBytes += (flags & NLM_F.CAPPED) === 0 ? aligned(whole) : nlmsghdr.lengthBytes;
  }
  const sentence = readAttributes(body, headerBytes).get(NLMSGERR_ATTR.MSG);
  return sentence && readText(sentence);
}
