import { Ip, isTenetError, Prefix } from '@tenet/std';
import { normaliseMarks } from './marks.ts';
import { MATCH_OPTIONS, TARGET_OPTIONS } from './modules.ts';
import type { Extension, RuleOption } from './rule.ts';

type Normalise = (value: string) => string;

/** Names that iptables-save prints for protocol numbers; the first of a number is the canonical one. */
const PROTOCOLS: readonly (readonly [name: string, number: string])[] = [
  ['icmp', '1'],
  ['igmp', '2'],
  ['tcp', '6'],
  ['udp', '17'],
  ['dccp', '33'],
  ['gre', '47'],
  ['esp', '50'],
  ['ah', '51'],
  ['ipv6-icmp', '58'],
  ['icmpv6', '58'],
  ['sctp', '132'],
  ['mh', '135'],
  ['udplite', '136'],
];

const STATES = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'];
const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];
const ADDRESS_TYPES = [
  ...['UNSPEC', 'UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST', 'MULTICAST', 'BLACKHOLE', 'UNREACHABLE', 'PROHIBIT'],
  ...['THROW', 'NAT', 'XRESOLVE'],
];

const PORTS = { '--sport': normalisePorts, '--dport': normalisePorts } as const;

/** How a value is spelled by iptables-save, per module or target and option. */
const VALUES: Readonly<Record<string, Readonly<Record<string, Normalise>>>> = {
  addrtype: { '--src-type': inOrder(ADDRESS_TYPES), '--dst-type': inOrder(ADDRESS_TYPES) },
  conntrack: { '--ctstate': inOrder(STATES), '--ctproto': (value) => protocolEntry(value)?.[1] ?? value },
  limit: { '--limit': normaliseRate },
  REJECT: { '--reject-with': normaliseReject },
  sctp: PORTS,
  state: { '--state': inOrder(STATES) },
  statistic: { '--probability': normaliseProbability },
  tcp: { ...PORTS, '--tcp-flags': normaliseTcpFlags },
  udp: PORTS,
};

/** Options that say what holds without them: some versions print them and some do not. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  limit: { '--limit': ['3/hour'], '--limit-burst': ['5'] },
  recent: { '--name': ['DEFAULT'], '--mask': ['255.255.255.255'], '--rsource': [''] },
  REJECT: { '--reject-with': ['icmp-port-unreachable', 'icmp6-port-unreachable'] },
  LOG: { '--log-level': ['4', 'warning'] },
  tcp: { '--sport': ['0:65535'], '--dport': ['0:65535'] },
  udp: { '--sport': ['0:65535'], '--dport': ['0:65535'] },
  sctp: { '--sport': ['0:65535'], '--dport': ['0:65535'] },
};

/** Spells a match or target as iptables-save would: one name for an option, its values, its place; defaults go. */
export function normaliseExtension(role: 'match' | 'target', extension: Extension): Extension {
  const { name, options } = withoutShorthand(role, extension);
  const ranks = Object.keys((role === 'match' ? MATCH_OPTIONS : TARGET_OPTIONS)[name] ?? {});
  return {
    name,
    options: options
      .map((option) => ({ ...option, values: option.values.map((value) => normaliseValue(name, option, value)) }))
      .filter((option) => option.negated || !DEFAULTS[name]?.[option.name]?.includes(option.values.join(' ')))
      .toSorted((a, b) => rankOf(ranks, a) - rankOf(ranks, b)),
  };
}

function rankOf(ranks: readonly string[], { name }: RuleOption): number {
  const at = ranks.indexOf(name);
  return at < 0 ? ranks.length : at;
}

function normaliseValue(extension: string, { name }: RuleOption, value: string): string {
  return VALUES[extension]?.[name]?.(value) ?? value;
}

/** What iptables itself turns into other options. */
function withoutShorthand(role: 'match' | 'target', extension: Extension): Extension {
  // NOTRACK is an alias of the CT target since Linux 3.0; which name is printed depends on the version.
  if (role === 'target' && extension.name === 'NOTRACK')
    return { name: 'CT', options: [{ name: '--notrack', negated: false, values: [] }] };
  if (role === 'match' && extension.name === 'tcp') return { ...extension, options: extension.options.map(withoutSyn) };
  return { ...extension, options: normaliseMarks(role, extension) };
}

function withoutSyn(option: RuleOption): RuleOption {
  if (option.name !== '--syn') return option;
  return { ...option, name: '--tcp-flags', values: ['FIN,SYN,RST,ACK', 'SYN'] };
}

/** A prefix in canonical text; undefined when it holds every address. What is no address is left as it is. */
export function normaliseAddress(text: string): string | undefined {
  const [, address = text, mask] = /^([^/]*)\/(.*)$/.exec(text) ?? [];
  try {
    const ip = Ip.parse(paddedIpv4(address));
    if (mask === undefined) return `${ip}/${ip.family === 4 ? 32 : 128}`;
    if (/^\d+$/.test(mask)) {
      const prefix = Prefix.parseLoose(`${ip}/${mask}`);
      return prefix.length === 0 ? undefined : prefix.toString();
    }
    return maskedBy(ip, Ip.parse(mask));
  } catch (error) {
    if (isTenetError(error, 'ADDRESS_MALFORMED')) return text;
    throw error;
  }
}

/** `10` and `10.1` are written for `10.0.0.0` and `10.1.0.0`. */
function paddedIpv4(address: string): string {
  if (!/^\d+(\.\d+){0,2}$/.test(address)) return address;
  return [...address.split('.'), '0', '0', '0'].slice(0, 4).join('.');
}

function maskedBy(ip: Ip, mask: Ip): string | undefined {
  if (mask.family !== ip.family) return `${ip}/${mask}`;
  const bits = mask.value.toString(2);
  const ones = /^1*/.exec(bits)?.[0].length ?? 0;
  const { length } = mask.family === 4 ? { length: 32 } : { length: 128 };
  if (mask.value === 0n) return undefined;
  if (bits.length === length && !bits.slice(ones).includes('1')) return Prefix.of(ip, ones).toString();
  return `${Ip.of(ip.family, ip.value & mask.value)}/${mask}`;
}

/** An interface; undefined for `+`, which stands for every one. */
export function normaliseInterface(name: string): string | undefined {
  return name === '+' ? undefined : name;
}

/** A protocol by its usual name, or by its number; undefined for all. */
export function normaliseProtocol(protocol: string): string | undefined {
  const lower = protocol.toLowerCase();
  if (lower === 'all' || lower === '0') return undefined;
  const number = protocolEntry(lower)?.[1] ?? lower;
  return PROTOCOLS.find(([, other]) => other === number)?.[0] ?? number;
}

function protocolEntry(protocol: string): readonly [string, string] | undefined {
  return PROTOCOLS.find((entry) => entry.includes(protocol.toLowerCase()));
}

/** `:90` is `0:90`, `90:` is `90:65535`, `80:80` is `80`. */
function normalisePorts(ports: string): string {
  const [, low, high] = /^(\d*):(\d*)$/.exec(ports) ?? [];
  if (low === undefined || high === undefined) return ports;
  const range = [low === '' ? '0' : low, high === '' ? '65535' : high];
  return range[0] === range[1] ? `${range[0]}` : range.join(':');
}

/** Sorts a comma-separated list by a fixed order; what is not in it goes last. */
function inOrder(order: readonly string[]): Normalise {
  return (list) => {
    const words = [...new Set(list.toUpperCase().split(','))];
    if (words.some((word) => !order.includes(word))) return list;
    return words.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).join(',');
  };
}

function normaliseTcpFlags(flags: string): string {
  const all = flags.toUpperCase();
  if (all === 'NONE') return all;
  return all === 'ALL' ? TCP_FLAGS.join(',') : inOrder(TCP_FLAGS)(all);
}

/** The kernel keeps a probability in units of 2^-31, and iptables-save prints 11 decimals of that. */
function normaliseProbability(probability: string): string {
  const value = Number(probability);
  if (!(value >= 0 && value <= 1) || probability === '') return probability;
  return (Math.round(value * 2 ** 31) / 2 ** 31).toFixed(11);
}

/** `10/second` is `10/sec`. */
function normaliseRate(rate: string): string {
  const [, count, unit = ''] = /^(\d+)(?:\/([a-z]+))?$/.exec(rate) ?? [];
  if (count === undefined) return rate;
  const full = ['second', 'minute', 'hour', 'day'].find((name) => name.startsWith(unit));
  if (full === undefined) return rate;
  return `${count}/${full === 'second' || full === 'minute' ? full.slice(0, 3) : full}`;
}

function normaliseReject(kind: string): string {
  const short: Readonly<Record<string, string>> = {
    'net-unreach': 'icmp-net-unreachable',
    'host-unreach': 'icmp-host-unreachable',
    'proto-unreach': 'icmp-proto-unreachable',
    'port-unreach': 'icmp-port-unreachable',
    'net-prohib': 'icmp-net-prohibited',
    'host-prohib': 'icmp-host-prohibited',
    'admin-prohib': 'icmp-admin-prohibited',
    'tcp-rst': 'tcp-reset',
  };
  return short[kind] ?? kind;
}
