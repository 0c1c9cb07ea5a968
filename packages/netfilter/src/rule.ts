/**
 * A rule as iptables knows it, taken apart and normalised: two texts that make the kernel do the same, in the ways
 * that `normalise.ts` knows, give equal rules.
 */
export interface Rule {
  /** `-s`, `-d`: a prefix in canonical text, or an address with a non-contiguous mask. */
  readonly source?: Negatable;
  readonly destination?: Negatable;
  /** `-i`, `-o`: an interface; a `+` at its end stands for any ending. */
  readonly inInterface?: Negatable;
  readonly outInterface?: Negatable;
  /** `-p`: a name where there is a usual one, else a number. */
  readonly protocol?: Negatable;
  /** `-f`: fragments but the first, or with `! -f` all packets but those. */
  readonly fragment?: { readonly negated: boolean };
  /** `-m`, in their order; the one that `-p udp --dport` implies is spelled out. */
  readonly matches: readonly Extension[];
  /** Absent: the rule only counts. */
  readonly target?: Target;
  /** The arguments as they were read, without chain and counters. */
  readonly text: string;
  readonly counters?: Counters;
}

export interface Negatable {
  readonly negated: boolean;
  readonly value: string;
}

/** A match module or target with its options, in the order that iptables-save prints where we know it. */
export interface Extension {
  readonly name: string;
  readonly options: readonly RuleOption[];
}

export interface RuleOption {
  /** With its dashes: `--dport`. */
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly string[];
}

export interface Target extends Extension {
  /** jump (`-j`) comes back to the next rule on RETURN, goto (`-g`) does not. */
  readonly kind: 'jump' | 'goto';
}

export interface Counters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** What one module matches or one target does: the first value of an option, or undefined when it is not there. */
export function optionOf({ options }: Extension, name: string): string | undefined {
  return options.find((option) => option.name === name)?.values[0];
}

/** The comment of a rule, if it has one. */
export function commentOf({ matches }: Rule): string | undefined {
  const comment = matches.find(({ name }) => name === 'comment');
  return comment && optionOf(comment, '--comment');
}
