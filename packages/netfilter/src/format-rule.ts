import type { Extension, Negatable, Rule } from './rule.ts';
import { quote } from './tokens.ts';

/** Options whose value iptables-save quotes by its rule for strings; all others are plain words. */
const STRINGS: ReadonlySet<string> = new Set(['--comment', '--log-prefix', '--nflog-prefix']);

/**
 * The arguments of a rule in the order and spelling of iptables-save 1.8.9 (but for defaults, which are left out):
 * what `iptables-restore` reads, and what two rules are compared by.
 */
export function formatRule(rule: Rule): string {
  const { source, destination, inInterface, outInterface, protocol, fragment, matches, target } = rule;
  return [
    ...basic('-s', source),
    ...basic('-d', destination),
    ...basic('-i', inInterface),
    ...basic('-o', outInterface),
    ...basic('-p', protocol),
    ...(fragment ? [fragment.negated ? '! -f' : '-f'] : []),
    ...matches.flatMap((match) => ['-m', word(match.name), ...extensionOptions(match)]),
    ...(target ? [target.kind === 'jump' ? '-j' : '-g', word(target.name), ...extensionOptions(target)] : []),
  ].join(' ');
}

/** True when both rules make the kernel do the same, as far as normalisation knows. Counters do not count. */
export function sameRule(a: Rule, b: Rule): boolean {
  return formatRule(a) === formatRule(b);
}

function basic(option: string, what: Negatable | undefined): string[] {
  return what === undefined ? [] : [...(what.negated ? ['!'] : []), option, word(what.value)];
}

function extensionOptions({ options }: Extension): string[] {
  return options.flatMap(({ name, negated, values }) => [
    ...(negated ? ['!'] : []),
    name,
    ...values.map(STRINGS.has(name) ? quote : word),
  ]);
}

/** A word as it is when it reads back as itself. */
function word(text: string): string {
  return /^[^\s"'\\!-][^\s"'\\]*$/.test(text) ? text : quote(text);
}
