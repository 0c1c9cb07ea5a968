import { toHex } from '@tenet/std';
import { codecError } from './errors.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES } from './protocol.ts';

/** One message as bytes, and those behind it. */
export interface FrameAndRest {
  readonly frame: Uint8Array;
  readonly rest: Uint8Array;
}

/**
 * Cuts the first message off a byte stream. Three ends: a frame, `undefined` for "not yet", and
 * OPENFLOW_FRAME_MALFORMED for bytes that will never be a message (OpenFlow 1.4.1 §7.1.1).
 */
export function nextFrame(bytes: Uint8Array, limitBytes: number = MAX_MESSAGE_BYTES): FrameAndRest | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const lengthBytes = ((bytes[2] as number) << 8) | (bytes[3] as number);
  if (lengthBytes < HEADER_BYTES || lengthBytes > limitBytes) {
    throw codecError('OPENFLOW_FRAME_MALFORMED', { lengthBytes, limitBytes });
  }
  if (bytes.length < lengthBytes) return undefined;
  return { frame: bytes.subarray(0, lengthBytes), rest: bytes.subarray(lengthBytes) };
}

/** Joins the chunks of a stream and hands out whole frames; a chunk is copied only when a frame crosses its end. */
export class FrameReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #atStart: boolean;

  /** With `fromStart` the stream must begin as a session does. */
  constructor({ fromStart = false }: { readonly fromStart?: boolean } = {}) {
    this.#atStart = fromStart;
  }

  /** Appends a chunk; the caller must not write into it again. */
  push(chunk: Uint8Array): void {
    if (this.#bytes.length === 0) {
      // A plain view: the slices of a Buffer, which is what sockets give, are Buffers that share its memory.
      this.#bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      return;
    }
    const joined = new Uint8Array(this.#bytes.length + chunk.length);
    joined.set(this.#bytes);
    joined.set(chunk, this.#bytes.length);
    this.#bytes = joined;
  }

  /** The next frame, or undefined until more bytes come; throws as `nextFrame` and `refuseForeign` do. */
  next(): Uint8Array | undefined {
    if (this.#atStart) refuseForeign(this.#bytes);
    const next = nextFrame(this.#bytes);
    if (next === undefined) return undefined;
    this.#atStart = false;
    this.#bytes = next.rest;
    return next.frame;
  }
}

/** Wire versions are 1 to 6, and a switch may announce one that is not there yet; what a text begins with is larger. */
const LAST_LIKELY_VERSION = 0x10;

/** OFPT_HELLO, and OFPT_ERROR, which refuses one. */
const FIRST_TYPES = [0, 1];

/**
 * OPENFLOW_PEER_FOREIGN for a stream that does not begin with a hello or an error: nothing else comes first (OpenFlow
 * 1.4.1 §6.3.1). The length that such bytes seem to claim would be waited for in vain.
 */
function refuseForeign(bytes: Uint8Array): void {
  const [version = 0, type = 0] = bytes;
  if (version <= LAST_LIKELY_VERSION && FIRST_TYPES.includes(type)) return;
  throw codecError('OPENFLOW_PEER_FOREIGN', { beginsHex: toHex(bytes.subarray(0, HEADER_BYTES)) });
}
