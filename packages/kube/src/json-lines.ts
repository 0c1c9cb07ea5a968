import { StringDecoder } from 'node:string_decoder';

/** Longest line that a watch may send; etcd holds no object over 1.5 MiB. */
export const MAX_LINE_CHARS = 16 * 2 ** 20;

/** Cuts a byte stream into lines, wherever its chunks happen to end. What has no newline yet is kept for the next. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  /** The line that has no end yet. Joined once: a long line comes in thousands of chunks. */
  #pieces: string[] = [];
  #chars = 0;

  /** The lines that are complete now, without their newline; empty ones are left out. */
  push(chunk: Uint8Array): string[] {
    const text = this.#decoder.write(chunk);
    const end = text.lastIndexOf('\n');
    if (end === -1) {
      this.#keep(text);
      return [];
    }
    const lines = [...this.#pieces, text.slice(0, end)].join('').split('\n');
    this.#pieces = [];
    this.#chars = 0;
    this.#keep(text.slice(end + 1));
    return lines.filter((line) => line.trim() !== '');
  }

  #keep(text: string): void {
    this.#pieces.push(text);
    this.#chars += text.length;
    if (this.#chars > MAX_LINE_CHARS) throw new RangeError(`a line is longer than ${MAX_LINE_CHARS} characters`);
  }
}
