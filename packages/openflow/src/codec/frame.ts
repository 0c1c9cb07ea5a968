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

  /** The next frame, or undefined until more bytes come; throws as `nextFrame` does. */
  next(): Uint8Array | undefined {
    const next = nextFrame(this.#bytes);
    if (next === undefined) return undefined;
    this.#bytes = next.rest;
    return next.frame;
  }
}
