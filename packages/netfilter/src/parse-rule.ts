import { failNetfilter } from './errors.ts';
import { arity, IMPLIED_MODULE, MATCH_OPTIONS, spelling, TARGET_OPTIONS } from './modules.ts';
import { normaliseAddress, normaliseExtension, normaliseInterface, normaliseProtocol } from './normalise.ts';
import type { Counters, Extension, Negatable, Rule, RuleOption, Target } from './rule.ts';
import { type Token, tokenize } from './tokens.ts';

/** Options of iptables itself under all their names; the value is the short one. */
const BASIC: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '-s': ['--source', '--src'],
    '-d': ['--destination', '--dst'],
    '-i': ['--in-interface'],
    '-o': ['--out-interface'],
    '-p': ['--protocol', '--proto'],
    '-f': ['--fragment', '--fragments'],
    '-m': ['--match'],
    '-j': ['--jump'],
    '-g': ['--goto'],
    '-c': ['--set-counters'],
    '-4': ['--ipv4'],
    '-6': ['--ipv6'],
  }).flatMap(([short, long]) => [short, ...long].map((name) => [name, short] as const)),
);

interface Draft {
  source?: Negatable;
  destination?: Negatable;
  inInterface?: Negatable;
  outInterface?: Negatable;
  protocol?: Negatable;
  fragment?: { negated: boolean };
  counters?: Counters;
  readonly matches: Open[];
  target?: Open & { readonly kind: Target['kind'] };
  /** What an option that nobody knows belongs to. */
  last?: Open;
}

interface Open {
  readonly role: 'match' | 'target';
  readonly name: string;
  readonly options: RuleOption[];
}

/**
 * Reads the arguments of a rule (what follows `-A CHAIN`) and normalises them. Modules and options that we do not
 * know are kept as they are; names of hosts and services are not resolved, so write numbers. RULE_MALFORMED when an
 * option lacks its value or stands where no module takes it.
 */
export function parseRule(text: string): Rule {
  const arguments_ = new Arguments(text);
  const draft: Draft = { matches: [] };
  for (let token = arguments_.next(); token !== undefined; token = arguments_.next()) {
    const negated = isBang(token);
    const option = negated ? arguments_.required('lacks an option behind !') : token;
    readOption(draft, arguments_, option, negated);
  }
  const { matches, target, last: _, ...basics } = draft;
  return {
    ...basics,
    matches: matches.map((open) => normalised(open)),
    ...(target && { target: { kind: target.kind, ...normalised(target) } }),
    text: text.trim(),
  };
}

function readOption(draft: Draft, arguments_: Arguments, { text, quoted }: Token, outerNegated: boolean): void {
  const short = quoted ? undefined : BASIC.get(text);
  switch (short) {
    case undefined:
      readExtensionOption(draft, arguments_, text, outerNegated, quoted);
      return;
    case '-m':
      draft.last = { role: 'match', name: arguments_.value(text).text, options: [] };
      draft.matches.push(draft.last);
      return;
    case '-j':
    case '-g':
      draft.target = {
        role: 'target',
        kind: short === '-j' ? 'jump' : 'goto',
        name: arguments_.value(text).text,
        options: [],
      };
      draft.last = draft.target;
      return;
    case '-f':
      draft.fragment = { negated: outerNegated };
      return;
    case '-c':
      draft.counters = { packets: arguments_.count(text), bytes: arguments_.count(text) };
      return;
    case '-4':
    case '-6':
      return;
    default:
      readBasic(draft, short, arguments_.negatable(text, outerNegated));
  }
}

function readBasic(draft: Draft, option: string, { negated, value }: Negatable): void {
  const field = ({ '-s': 'source', '-d': 'destination', '-i': 'inInterface', '-o': 'outInterface' } as const)[option];
  const normal =
    field === undefined
      ? normaliseProtocol(value)
      : option === '-s' || option === '-d'
        ? normaliseAddress(value)
        : normaliseInterface(value);
  // What stands for everything is left out by iptables-save; its negation matches nothing, and is kept.
  if (normal === undefined && !negated) return;
  draft[field ?? 'protocol'] = { negated, value: normal ?? value };
}

function readExtensionOption(
  draft: Draft,
  arguments_: Arguments,
  written: string,
  outerNegated: boolean,
  quoted: boolean,
): void {
  if (quoted || !written.startsWith('-')) arguments_.fail(`has the stray argument ${JSON.stringify(written)}`);
  const [, name = written, attached] = /^(--[^=]+)=(.*)$/s.exec(written) ?? [];
  const open = ownerOf(draft, name) ?? arguments_.fail(`has ${name} without a module that takes it`);
  const count = arity(open.role, open.name, name);
  let negated = outerNegated;
  const values: string[] = attached === undefined ? [] : [attached];
  if (count !== undefined) {
    while (values.length < count) {
      const token = arguments_.value(name);
      if (isBang(token) && values.length === 0 && !negated) negated = true;
      else values.push(token.text);
    }
  } else if (attached === undefined) values.push(...arguments_.valuesOfUnknown());
  open.options.push({ name: spelling(open.name, name), negated, values });
}

/** The module or target that an option belongs to; loads the one that the protocol implies. */
function ownerOf(draft: Draft, option: string): Open | undefined {
  const { last, target, matches, protocol } = draft;
  if (last !== undefined && (last.role === 'match' ? MATCH_OPTIONS : TARGET_OPTIONS)[last.name] === undefined)
    return last;
  const taker = [...(target ? [target] : []), ...matches.toReversed()].find(
    ({ role, name }) => arity(role, name, option) !== undefined,
  );
  if (taker !== undefined) return taker;
  const implied = protocol === undefined || protocol.negated ? undefined : IMPLIED_MODULE[protocol.value];
  if (implied !== undefined && arity('match', implied, option) !== undefined) {
    const open: Open = { role: 'match', name: implied, options: [] };
    matches.push(open);
    return open;
  }
  return last;
}

function normalised({ role, name, options }: Open): Extension {
  return normaliseExtension(role, { name, options });
}

function isBang({ text, quoted }: Token): boolean {
  return text === '!' && !quoted;
}

/** The arguments of one rule, read from left to right. */
class Arguments {
  readonly #rule: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(rule: string) {
    this.#rule = rule;
    this.#tokens = tokenize(rule);
  }

  next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  required(problem: string): Token {
    return this.next() ?? this.fail(problem);
  }

  value(option: string): Token {
    return this.required(`lacks the value of ${option}`);
  }

  /** A value that may have its `!` in front, as iptables before 1.4.3 wrote it. */
  negatable(option: string, outerNegated: boolean): Negatable {
    const first = this.value(option);
    if (outerNegated || !isBang(first)) return { negated: outerNegated, value: first.text };
    return { negated: true, value: this.value(option).text };
  }

  count(option: string): bigint {
    const { text } = this.value(option);
    return /^\d+$/.test(text) ? BigInt(text) : this.fail(`has ${JSON.stringify(text)} as a counter`);
  }

  /** What follows an option that we do not know, up to the next option. */
  valuesOfUnknown(): string[] {
    const values: string[] = [];
    for (let token = this.#tokens[this.#at]; token !== undefined; token = this.#tokens[this.#at]) {
      if (!token.quoted && (token.text === '!' || token.text.startsWith('-'))) break;
      values.push(token.text);
      this.#at++;
    }
    return values;
  }

  fail(problem: string): never {
    return failNetfilter('RULE_MALFORMED', { rule: this.#rule, problem });
  }
}
