import type { Extension, RuleOption } from './rule.ts';

interface Mark {
  readonly value: bigint;
  readonly mask: bigint | undefined;
}

const ALL = 0xffff_ffffn;

/**
 * The options of a MARK or CONNMARK target, or mark or connmark match, as iptables-save prints them: hexadecimal,
 * and all ways to set a mark as the `--set-xmark` that the kernel does (new = old with the mask's bits cleared, XOR
 * value; iptables-extensions(8)).
 */
export function normaliseMarks(role: 'match' | 'target', { name, options }: Extension): readonly RuleOption[] {
  if (role === 'match' && (name === 'mark' || name === 'connmark')) return options.map(normaliseMatch);
  if (role === 'target' && name === 'MARK') return options.map(normaliseSet);
  if (role === 'target' && name === 'CONNMARK') return withMasks(options).map(normaliseSet);
  return options;
}

function normaliseMatch(option: RuleOption): RuleOption {
  const mark = option.name === '--mark' ? parseMark(option.values[0]) : undefined;
  if (mark === undefined) return option;
  const { value, mask = ALL } = mark;
  return { ...option, values: [mask === ALL ? hex(value) : `${hex(value)}/${hex(mask)}`] };
}

function normaliseSet(option: RuleOption): RuleOption {
  const mark = parseMark(option.values[0]);
  const xmark = mark && xmarkOf(option.name, mark);
  return xmark ? { ...option, name: '--set-xmark', values: [`${hex(xmark.value)}/${hex(xmark.mask)}`] } : option;
}

function xmarkOf(option: string, { value, mask }: Mark): { value: bigint; mask: bigint } | undefined {
  switch (option) {
    case '--set-xmark':
      return { value, mask: mask ?? ALL };
    case '--set-mark':
      return { value, mask: mask === undefined ? ALL : value | mask };
    case '--or-mark':
      return { value, mask: value };
    case '--and-mark':
      return { value: 0n, mask: ~value & ALL };
    case '--xor-mark':
      return { value, mask: 0n };
    default:
      return undefined;
  }
}

/** `--save-mark` and `--restore-mark` print both masks; `--mask` sets both. */
function withMasks(options: readonly RuleOption[]): readonly RuleOption[] {
  if (!options.some(({ name }) => name === '--save-mark' || name === '--restore-mark')) return options;
  const maskOf = (option: string): string => {
    const given = options.find(({ name }) => name === option) ?? options.find(({ name }) => name === '--mask');
    return hex(parseMark(given?.values[0])?.value ?? ALL);
  };
  return [
    ...options.filter(({ name }) => name === '--save-mark' || name === '--restore-mark'),
    ...['--nfmask', '--ctmask'].map((name) => ({ name, negated: false, values: [maskOf(name)] })),
  ];
}

function parseMark(text = ''): Mark | undefined {
  const [, value, mask] = /^([^/]+)(?:\/([^/]+))?$/.exec(text) ?? [];
  const [valueBits, maskBits] = [value, mask].map(parseBits);
  if (valueBits === undefined || (mask !== undefined && maskBits === undefined)) return undefined;
  return { value: valueBits, mask: maskBits };
}

/** A number as strtoul reads it: decimal, 0x hexadecimal or 0 octal. */
function parseBits(text = ''): bigint | undefined {
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  return /^(0x[0-9a-f]+|0|[1-9]\d*)$/i.test(text) ? BigInt(text) : undefined;
}

function hex(bits: bigint): string {
  return `0x${bits.toString(16)}`;
}
