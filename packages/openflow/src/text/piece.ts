import { FLOW_TEXT, type FlowTextCode } from './text-errors.ts';

/**
 * Part of a line that knows where it stands, so that whoever cannot read it can say so: all parsers of flow text
 * take pieces and cut them smaller.
 */
export class Piece {
  readonly line: string;
  /** Offset in the line, from 0. */
  readonly start: number;
  readonly text: string;

  constructor(line: string, start = 0, end = line.length) {
    this.line = line;
    this.start = start;
    this.text = line.slice(start, end);
  }

  /** The part from one offset in this piece up to another, without the white space around it. */
  cut(from: number, to = this.text.length): Piece {
    const part = this.text.slice(from, to);
    const start = this.start + from + (part.length - part.trimStart().length);
    return new Piece(this.line, start, Math.max(start, this.start + from + part.trimEnd().length));
  }

  /** The two sides of the first `separator`, or undefined when there is none. */
  halves(separator: string): readonly [Piece, Piece] | undefined {
    const at = this.text.indexOf(separator);
    return at < 0 ? undefined : [this.cut(0, at), this.cut(at + separator.length)];
  }

  /** The parts between separators that stand outside parentheses and quotes; empty parts are left out. */
  split(separator: RegExp): readonly Piece[] {
    const parts: Piece[] = [];
    let from = 0;
    let depth = 0;
    let quoted = false;
    for (let at = 0; at <= this.text.length; at++) {
      const char = this.text.charAt(at);
      if (quoted && char === '\\') at++;
      else if (char === '"') quoted = !quoted;
      else if (!quoted && char === '(') depth++;
      else if (!quoted && char === ')') depth--;
      if (depth < 0) this.cut(at).fail('no closing parenthesis without an opening one');
      if (at >= this.text.length || (depth === 0 && !quoted && separator.test(char))) {
        if (from < at) parts.push(this.cut(from, at));
        from = at + 1;
      }
    }
    if (depth > 0) this.cut(this.text.length).fail('a closing parenthesis');
    if (quoted) this.cut(this.text.length).fail('a closing quotation mark');
    return parts.filter((part) => part.text !== '');
  }

  /** Says that this piece is not what it should be. */
  fail(expected: string, code: FlowTextCode = 'FLOW_TEXT_MALFORMED'): never {
    return FLOW_TEXT.fail(code, { text: this.line, column: this.start + 1, found: this.text, expected });
  }
}
