import { StringDecoder } from 'node:string_decoder';

/** Longest line that a watch may send; etcd holds no object over 1.5 MiB. */
export const MAX_LINE_CHARS = 16 * 2 ** 20;

/** Cuts a byte stream into lines, wherever its chunks happen to end. What has no newline yet is kept for the next. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** The lines that are complete now, without their newline; empty ones are left out. */
  push(chunk: Uint8Array): string[] {
    const text = this.#rest + this.#decoder.write(chunk);
    const end = text.lastIndexOf('\n');
    this.#rest = text.slice(end + 1);
    if (this.#rest.length > MAX_LINE_CHARS) throw new RangeError(`a line is longer than ${MAX_LINE_CHARS} characters`);
    return end === -1
      ? []
      : text
          .slice(0, end)
          .split('\n')
          .filter((line) => line.trim() !== '');
  }
}
