import { failNetfilter } from './errors.ts';

/** One argument of a rule. A quoted one is never an option, whatever it starts with. */
export interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

/**
 * Splits a rule into arguments as iptables-restore does: blanks separate, double quotes hold together, and a
 * backslash inside them takes the next character as it is. An unclosed quote is RULE_MALFORMED.
 */
export function tokenize(rule: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < rule.length) {
    if (/[ \t\r\n]/.test(rule.charAt(at))) {
      at++;
      continue;
    }
    let text = '';
    let inside = false;
    let quoted = false;
    for (; at < rule.length && (inside || !/[ \t\r\n]/.test(rule.charAt(at))); at++) {
      const character = rule.charAt(at);
      if (character === '"') {
        inside = !inside;
        quoted = true;
      } else if (inside && character === '\\') {
        at++;
        text += rule.charAt(at);
      } else text += character;
    }
    if (inside) failNetfilter('RULE_MALFORMED', { rule, problem: 'has an unclosed quote' });
    tokens.push({ text, quoted });
  }
  return tokens;
}

/** Writes an argument as iptables-save does: quoted when it holds more than letters, digits, `_` and
 * `-`; one that begins with `-` too, so that it is never taken for an option. */
export function quote(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new RangeError(`${JSON.stringify(text)} does not fit on a line`);
  return /^\w[\w-]*$/.test(text) ? text : `"${text.replace(/["'\\]/g, '\\$&')}"`;
}
