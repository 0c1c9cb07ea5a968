/** The ways of packets through a node's rules, as the kernel tells them rule by rule. */
import { Ip } from '@tenet/std';
import type { Outcome } from './service-outcome.ts';

/** A packet's addresses when it entered a chain of the kernel. */
export interface TracedHeader {
  /** Its identification (RFC 791 §3.1). */
  readonly number: number;
  readonly source: Ip;
  readonly destination: Ip;
  readonly port: number;
}

/** A rule that a packet has matched. */
export interface TracedRule {
  /** Table and chain: `nat KUBE-SERVICES`. */
  readonly chain: string;
  /** In the words of the tool that tells; `policy …` for what a chain does with what no rule has decided. */
  readonly rule: string;
}

export interface TracedWay {
  readonly header: TracedHeader;
  readonly rules: readonly TracedRule[];
}

export class TracedWays {
  /** By the trace's own name for the packet; one that went through loopback has had two. */
  readonly #ways = new Map<string, { header?: TracedHeader; rules: TracedRule[] }>();

  noteHeader(id: string, header: TracedHeader): void {
    this.#of(id).header = header;
  }

  noteRule(id: string, rule: TracedRule): void {
    this.#of(id).rules.push(rule);
  }

  /** What is known by now of the packet with this number. */
  wayOf(number: number): TracedWay | undefined {
    const ways = [...this.#ways.values()].filter(({ header }) => header?.number === number);
    const header = ways.at(-1)?.header;
    return header && { header, rules: ways.flatMap(({ rules }) => rules) };
  }

  #of(id: string): { header?: TracedHeader; rules: TracedRule[] } {
    const way = this.#ways.get(id) ?? { rules: [] };
    this.#ways.set(id, way);
    return way;
  }
}

/** Of the first rule that refuses or drops; xtables and nft each have their own word for it. */
const REFUSES = /-j REJECT|\breject\b/;
const DROPS = /-j DROP|\(verdict drop\)|^policy drop/i;
const MASQUERADES = /-j MASQUERADE|\bmasquerade\b/;

/** What the rules of a way make of the packet. One of the node's addresses takes its source's place when it is masqueraded. */
export function outcomeOf({ header, rules }: TracedWay): Outcome & { readonly isMasqueraded?: boolean } {
  for (const { rule } of rules) {
    if (REFUSES.test(rule)) return { kind: 'refused' };
    if (DROPS.test(rule)) return { kind: 'dropped' };
  }
  const { destination: ip, port, source } = header;
  return { kind: 'to', ip, port, source, isMasqueraded: rules.some(({ rule }) => MASQUERADES.test(rule)) };
}

/** One line a rule. */
export function wayInWords({ header, rules }: TracedWay): string {
  const last = `at last ${header.source} → ${header.destination}:${header.port}`;
  return [...rules.map(({ chain, rule }) => `  ${chain}: ${rule}`), `  ${last}`].join('\n');
}

/** Reads the lines of `xtables-monitor --trace`. */
export function noteXtablesLine(ways: TracedWays, line: string): void {
  const [, packet, fields] = /^PACKET: \d+ (\w+) (.*)$/.exec(line) ?? [];
  if (packet !== undefined && fields !== undefined) {
    const field = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(fields)?.[1];
    ways.noteHeader(packet, headerFrom(field('ID'), field('SRC'), field('DST'), field('DPORT')));
  }
  const [, id, table, chain, rule, policy] =
    /^ TRACE: \d+ (\w+) (\w+):([^:]+):(?:rule:\S+ (.*)|policy:(\w+) )$/.exec(line) ?? [];
  if (id !== undefined) ways.noteRule(id, { chain: `${table} ${chain}`, rule: rule?.trim() ?? `policy ${policy}` });
}

/** Reads the lines of `nft monitor trace`. */
export function noteNftLine(ways: TracedWays, line: string): void {
  const [, packet, fields] = /^trace id (\w+) \S+ \S+ \S+ packet: (.*)$/.exec(line) ?? [];
  if (packet !== undefined && fields !== undefined) {
    const field = (name: string) => new RegExp(`(?:^| )${name} (\\S+)`).exec(fields)?.[1];
    ways.noteHeader(packet, headerFrom(field('ip id'), field('ip saddr'), field('ip daddr'), field('\\w+ dport')));
  }
  const [, id, table, chain, rule] =
    /^trace id (\w+) \S+ (\S+) (\S+) (?:rule )?(policy .*|.* \(verdict .*\))$/.exec(line) ?? [];
  if (id !== undefined && rule !== undefined) ways.noteRule(id, { chain: `${table} ${chain}`, rule });
}

function headerFrom(number = '0', source = '0.0.0.0', destination = '0.0.0.0', port = '0'): TracedHeader {
  return { number: Number(number), source: Ip.parse(source), destination: Ip.parse(destination), port: Number(port) };
}
