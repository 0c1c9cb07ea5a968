/**
 * Cuts a byte stream into JSON messages. OVSDB (RFC 7047 §4.1) and unixctl send JSON objects one behind the other
 * with nothing between them, so the end of a message is where its brackets close.
 */
import { ovsdbError } from './errors.ts';

/** Settings of `JsonSplitter`. */
export interface JsonSplitterLimits {
  /** The longest message, in bytes. */
  readonly lengthBytes: number;
  /** The deepest nesting of arrays and objects. */
  readonly depth: number;
}

/** A node's whole database takes well under 1 MiB per thousand ports; OVSDB messages nest 9 deep. */
const LIMITS: JsonSplitterLimits = { lengthBytes: 256 * 2 ** 20, depth: 64 };

/**
 * One direction of one connection. Each `push` has three ends: the messages that are now complete, none yet, or
 * JSON_STREAM_MALFORMED as soon as no continuation could make the bytes JSON messages; then it stays failed.
 */
export class JsonSplitter {
  readonly #limits: JsonSplitterLimits;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  /** The closing bracket that each open one waits for. */
  readonly #open: number[] = [];
  /** What came of the current message in earlier chunks. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #inString = false;
  #escaped = false;
  /** Of the current chunk in the stream. */
  #offset = 0;
  #failure: unknown;

  constructor(limits: Partial<JsonSplitterLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Bytes of the message that is not complete yet. */
  get pendingBytes(): number {
    return this.#pieceBytes;
  }

  /** Takes the next bytes and yields each message that they complete, before failing on what follows it. */
  *push(chunk: Uint8Array): Generator<unknown, void, undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      yield* this.#split(chunk);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  *#split(chunk: Uint8Array): Generator<unknown, void, undefined> {
    let from = 0;
    for (;;) {
      if (this.#open.length === 0) while (isSpace(chunk[from])) from += 1;
      const end = this.#scan(chunk, from);
      if (end === undefined) break;
      this.#keep(chunk.subarray(from, end));
      const message = this.#take(end - 1);
      from = end;
      yield message;
    }
    // The caller may reuse the chunk's memory once we return.
    if (from < chunk.length) this.#keep(chunk.slice(from));
    this.#offset += chunk.length;
  }

  /** Follows the bytes of one message; answers where it ends, or undefined when the chunk does first. */
  #scan(chunk: Uint8Array, from: number): number | undefined {
    const { lengthBytes } = this.#limits;
    const limit = from + lengthBytes - this.#pieceBytes;
    for (let at = from; at < chunk.length; at += 1) {
      if (at >= limit) this.#fail(`the message is longer than ${lengthBytes} bytes`, at);
      const byte = chunk[at] ?? 0;
      if (this.#inString) this.#stepInString(byte, at);
      else if (byte === QUOTE && this.#open.length > 0) this.#inString = true;
      else if (OUTSIDE_STRINGS[byte] !== 1 || this.#open.length === 0) this.#stepBracket(byte, at);
      if (this.#open.length === 0) return at + 1;
    }
    return undefined;
  }

  #stepInString(byte: number, at: number): void {
    if (byte < 0x20) this.#fail('a control character in a string', at);
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  #stepBracket(byte: number, at: number): void {
    const closing = CLOSING.get(byte);
    if (closing !== undefined) {
      if (this.#open.push(closing) > this.#limits.depth) this.#fail(`nested deeper than ${this.#limits.depth}`, at);
    } else if (this.#open.length === 0) this.#fail('a message starts with { or [', at);
    else if (byte !== this.#open.pop()) this.#fail('not what may stand outside a string here', at);
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
  }

  #take(lastAt: number): unknown {
    const bytes = this.#pieces.length === 1 ? this.#pieces[0] : joined(this.#pieces, this.#pieceBytes);
    this.#pieces = [];
    this.#pieceBytes = 0;
    try {
      return JSON.parse(this.#decoder.decode(bytes));
    } catch (cause) {
      this.#fail('the message ending here is not JSON in UTF-8', lastAt, cause);
    }
  }

  #fail(why: string, at: number, cause?: unknown): never {
    throw ovsdbError('JSON_STREAM_MALFORMED', { why, offset: this.#offset + at }, cause);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const bytesOf = (text: string) => [...text].map((character) => character.charCodeAt(0));
const CLOSING = new Map([
  [0x7b, 0x7d],
  [0x5b, 0x5d],
]);
/** Structure, white space, numbers, and the letters of true, false and null (RFC 8259 §2, §3, §6). */
const OUTSIDE_STRINGS = new Uint8Array(256);
for (const byte of bytesOf(',: \t\r\n0123456789+-.eEtrufalsn')) OUTSIDE_STRINGS[byte] = 1;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function joined(pieces: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const whole = new Uint8Array(lengthBytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
