/** Bytes ended before the value did. Decoders turn it into an error of their own that names the message. */
export class Truncated extends Error {
  override readonly name = 'Truncated';
}

/** A cursor that reads big-endian values from bytes; reading past the end throws `Truncated`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  readonly #end: number;

  /**
   * Reads bytes from `start` up to `end`; RangeError when they do not lie within. `view` is one of all the bytes, for
   * readers within a reader, which share it: making one costs more than what many of them read.
   */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length, view: DataView = viewOf(bytes)) {
    if (!(0 <= start && start <= end && end <= bytes.length))
      throw new RangeError(`bytes ${start} to ${end} do not lie within ${bytes.length}`);
    this.bytes = bytes;
    this.#view = view;
    this.#at = start;
    this.#end = end;
  }

  /** The offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** An unsigned number of `length` bytes. */
  uint(length: number): bigint {
    if (length === 8) return this.u64();
    if (length <= 4) {
      let small = 0;
      const start = this.#take(length);
      for (let i = 0; i < length; i++) small = small * 256 + this.#view.getUint8(start + i);
      return BigInt(small);
    }
    const start = this.#take(length);
    let value = 0n;
    for (let i = 0; i < length; i++) value = (value << 8n) | BigInt(this.#view.getUint8(start + i));
    return value;
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Uint8Array {
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** A reader of the next `length` bytes alone; this one continues behind them. */
  sub(length: number): ByteReader {
    const start = this.#take(length);
    return new ByteReader(this.bytes, start, start + length, this.#view);
  }

  /** All that is left, not copied. */
  rest(): Uint8Array {
    return this.take(this.left);
  }

  #take(length: number): number {
    // A length that a header understates comes here negative: it must not turn the cursor back.
    if (!(length >= 0 && length <= this.left)) throw new Truncated(`${length} bytes wanted, ${this.left} left`);
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Builds big-endian bytes in a buffer that grows; offsets can be written again later. A number that does not fit its
 * field is a RangeError, never cut.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes are written, so also the offset of the next one. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    refuseMisfit(value, 0xff);
    const start = this.#grow(1);
    this.#view.setUint8(start, value);
    return this;
  }

  u16(value: number): this {
    refuseMisfit(value, 0xffff);
    const start = this.#grow(2);
    this.#view.setUint16(start, value);
    return this;
  }

  u32(value: number): this {
    refuseMisfit(value, 0xffff_ffff);
    const start = this.#grow(4);
    this.#view.setUint32(start, value);
    return this;
  }

  u64(value: bigint): this {
    refuseMisfit(value, 0xffff_ffff_ffff_ffffn);
    const start = this.#grow(8);
    this.#view.setBigUint64(start, value);
    return this;
  }

  /** An unsigned number in `length` bytes. */
  uint(value: bigint, length: number): this {
    if (length === 8) return this.u64(value);
    refuseMisfit(value, (1n << BigInt(8 * length)) - 1n);
    const start = this.#grow(length);
    if (length <= 4) {
      let small = Number(value);
      for (let at = length - 1; at >= 0; at--) {
        this.#view.setUint8(start + at, small & 0xff);
        small = Math.floor(small / 256);
      }
      return this;
    }
    let rest = value;
    for (let at = length - 1; at >= 0; at--, rest >>= 8n) this.#view.setUint8(start + at, Number(rest & 0xffn));
    return this;
  }

  put(bytes: Uint8Array): this {
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
    return this;
  }

  zeros(length: number): this {
    const start = this.#grow(length);
    this.#bytes.fill(0, start, start + length);
    return this;
  }

  /** Zeros up to the next multiple of `size`, counted from `from`. */
  pad(size: number, from = 0): this {
    return this.zeros((size - ((this.#length - from) % size)) % size);
  }

  /** Overwrites a 16-bit value, such as a length known only now. */
  setU16(at: number, value: number): this {
    refuseMisfit(value, 0xffff);
    this.#view.setUint16(this.#written(at, 2), value);
    return this;
  }

  setU32(at: number, value: number): this {
    refuseMisfit(value, 0xffff_ffff);
    this.#view.setUint32(this.#written(at, 4), value);
    return this;
  }

  /** Starts again with an empty buffer of the same capacity. */
  clear(): this {
    this.#length = 0;
    return this;
  }

  /** A copy of what is written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** What is written, not copied: valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #written(at: number, length: number): number {
    if (!(at >= 0 && at + length <= this.#length))
      throw new RangeError(`bytes ${at} to ${at + length} are not written yet, only ${this.#length} are`);
    return at;
  }

  /** Makes room at the end. Callers take the view afterwards, since it may be another one then. */
  #grow(length: number): number {
    const start = this.#length;
    if (start + length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, start + length));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    this.#length += length;
    return start;
  }
}

function refuseMisfit(value: number | bigint, max: number | bigint): void {
  const isWhole = typeof value === 'bigint' || Number.isInteger(value);
  if (!isWhole || value < 0 || value > max) throw new RangeError(`${value} is no whole number from 0 to ${max}`);
}

/** `0a5800` for bytes, without separators. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Bytes from hex digits; white space between them is ignored. RangeError for anything else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new RangeError(`${JSON.stringify(text)} is not hex bytes`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
