/** How many values an option takes, and in which order iptables-save prints those of one module. */
type Options = Readonly<Record<string, number>>;

const TCP_PORTS = { '--sport': 1, '--dport': 1 } as const;

/**
 * The match modules that we understand, from their manual (iptables-extensions(8)) and from what iptables-save
 * 1.8.9 prints. An option's rank here is its rank there.
 */
export const MATCH_OPTIONS: Readonly<Record<string, Options>> = {
  addrtype: { '--src-type': 1, '--dst-type': 1, '--limit-iface-in': 0, '--limit-iface-out': 0 },
  comment: { '--comment': 1 },
  connmark: { '--mark': 1 },
  conntrack: {
    '--ctstate': 1,
    '--ctproto': 1,
    '--ctorigsrc': 1,
    '--ctorigdst': 1,
    '--ctreplsrc': 1,
    '--ctrepldst': 1,
    '--ctorigsrcport': 1,
    '--ctorigdstport': 1,
    '--ctreplsrcport': 1,
    '--ctrepldstport': 1,
    '--ctstatus': 1,
    '--ctexpire': 1,
    '--ctdir': 1,
  },
  icmp: { '--icmp-type': 1 },
  icmp6: { '--icmpv6-type': 1 },
  limit: { '--limit': 1, '--limit-burst': 1 },
  mark: { '--mark': 1 },
  multiport: { '--sports': 1, '--dports': 1, '--ports': 1 },
  recent: {
    '--set': 0,
    '--rcheck': 0,
    '--update': 0,
    '--remove': 0,
    '--seconds': 1,
    '--reap': 0,
    '--hitcount': 1,
    '--rttl': 0,
    '--name': 1,
    '--mask': 1,
    '--rsource': 0,
    '--rdest': 0,
  },
  sctp: { ...TCP_PORTS, '--chunk-types': 2 },
  set: { '--match-set': 2 },
  state: { '--state': 1 },
  statistic: { '--mode': 1, '--probability': 1, '--every': 1, '--packet': 1 },
  tcp: { ...TCP_PORTS, '--tcp-option': 1, '--tcp-flags': 2 },
  udp: TCP_PORTS,
};

/** The targets that we understand, likewise. */
export const TARGET_OPTIONS: Readonly<Record<string, Options>> = {
  CONNMARK: { '--set-xmark': 1, '--save-mark': 0, '--restore-mark': 0, '--nfmask': 1, '--ctmask': 1 },
  CT: { '--notrack': 0, '--helper': 1, '--ctevents': 1, '--zone': 1, '--zone-orig': 1, '--zone-reply': 1 },
  DNAT: { '--to-destination': 1, '--random': 0, '--persistent': 0 },
  LOG: { '--log-prefix': 1, '--log-level': 1, '--log-tcp-sequence': 0, '--log-tcp-options': 0, '--log-ip-options': 0 },
  MARK: { '--set-xmark': 1 },
  MASQUERADE: { '--to-ports': 1, '--random': 0, '--random-fully': 0 },
  REDIRECT: { '--to-ports': 1, '--random': 0 },
  REJECT: { '--reject-with': 1 },
  SNAT: { '--to-source': 1, '--random': 0, '--random-fully': 0, '--persistent': 0 },
};

/** Other spellings of an option, per module or target; an entry of `syn` is no option of its own. */
const ALIASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  multiport: {
    '--source-ports': '--sports',
    '--destination-ports': '--dports',
    '--port': '--ports',
  },
  tcp: { '--source-port': '--sport', '--destination-port': '--dport' },
  udp: { '--source-port': '--sport', '--destination-port': '--dport' },
  sctp: { '--source-port': '--sport', '--destination-port': '--dport' },
  DNAT: { '--to': '--to-destination' },
  SNAT: { '--to': '--to-source' },
  REDIRECT: { '--to-port': '--to-ports', '--to': '--to-ports' },
};

/** Options that only people write: iptables-save prints another one, which `normalise.ts` makes of them. */
const SHORTHANDS: Readonly<Record<string, Options>> = {
  tcp: { '--syn': 0 },
  MARK: { '--set-mark': 1, '--or-mark': 1, '--and-mark': 1, '--xor-mark': 1 },
  CONNMARK: { '--set-mark': 1, '--or-mark': 1, '--and-mark': 1, '--xor-mark': 1, '--mask': 1 },
};

/** The name of the option in this module as iptables-save spells it. */
export function spelling(module: string, option: string): string {
  return ALIASES[module]?.[option] ?? option;
}

/** How many values the option takes; undefined when the module or the option is not known. */
export function arity(role: 'match' | 'target', module: string, option: string): number | undefined {
  const known = (role === 'match' ? MATCH_OPTIONS : TARGET_OPTIONS)[module];
  const name = spelling(module, option);
  return known?.[name] ?? SHORTHANDS[module]?.[name];
}

/** The match module that `-p PROTOCOL` loads when an option asks for it. */
export const IMPLIED_MODULE: Readonly<Record<string, string>> = {
  tcp: 'tcp',
  udp: 'udp',
  sctp: 'sctp',
  icmp: 'icmp',
  'ipv6-icmp': 'icmp6',
};
