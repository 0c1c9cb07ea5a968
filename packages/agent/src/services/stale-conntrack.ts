import { type ConntrackEntry, type ConntrackFilter, deleteConntrackIf } from '@tenet/host';
import type { ServiceProtocol } from '@tenet/model';
import type { ProxiedPort } from '@tenet/proxy';
import type { Ip, Logger, Prefix } from '@tenet/std';

type Ports = ReadonlyMap<string, ProxiedPort>;

export interface StaleConntrackOptions {
  readonly serviceNetwork: Prefix;
  /** This node's own addresses, at which node ports are open. */
  readonly localAddresses: () => readonly Ip[];
  readonly log: Logger;
  /** A test may stand in between. */
  readonly deleteIf?: (filter: ConntrackFilter, isStale: (entry: ConntrackEntry) => boolean) => number;
}

/**
 * IP protocol numbers of the protocols whose connections only end by falling silent: a client that goes on sending
 * would reach what once answered for ever. Connections of TCP end by themselves.
 */
const PROTOCOL_NUMBERS = { udp: 17, sctp: 132 } as const satisfies Partial<Record<ServiceProtocol, number>>;
type Endless = keyof typeof PROTOCOL_NUMBERS;

/** Each question is a walk over the kernel's table, 20 ms where that has 262,144 buckets; beyond this one reads it all. */
const MOST_QUESTIONS = 8;

/** Where packets may be sent for a port of a service. Without an address it is a node port. */
interface Target {
  readonly protocol: Endless;
  readonly address?: Ip;
  readonly port: number;
}

/**
 * Ends the host's tracked connections over UDP and SCTP that lead where the rules would no longer send them: to an
 * endpoint that has gone, or past a service that had no endpoint when they began. Their next packets are looked at as
 * new ones.
 */
export class StaleConntrack {
  readonly #options: StaleConntrackOptions;
  readonly #deleteIf: NonNullable<StaleConntrackOptions['deleteIf']>;
  /** For which ports all stale connections have ended; undefined while that is not known of any. */
  #ended: Ports | undefined;

  constructor(options: StaleConntrackOptions) {
    this.#options = options;
    this.#deleteIf = options.deleteIf ?? deleteConntrackIf;
  }

  /**
   * To be called whenever the rules for these ports are in the kernel. Looks at what has changed since the last call that
   * succeeded; the first looks at everything. Returns how many connections it ended; KERNEL_REFUSED when they cannot be
   * reached.
   */
  end(now: Ports): number {
    if (now === this.#ended) return 0;
    const plan = this.#ended === undefined ? planAll(now) : planChange(this.#ended, now);
    const removed = this.#carryOut(plan, this.#ended === undefined);
    if (removed > 0) this.#options.log.info('stale connections ended', { removed });
    this.#ended = now;
    return removed;
  }

  #carryOut({ questions, allowed }: Plan, isFirst: boolean): number {
    if (questions.length === 0) return 0;
    const { serviceNetwork, localAddresses } = this.#options;
    const local = new Set(localAddresses().map(String));
    const isStale = ({ original, reply, zone }: ConntrackEntry): boolean => {
      const protocol = PROTOCOL_NAMES.get(original.protocol);
      const { destination, destinationPort: port } = original;
      if (zone !== 0 || protocol === undefined || port === undefined) return false;
      const isTranslated = !(reply.source.equals(destination) && reply.sourcePort === port);
      const key = keyOf({ protocol, address: destination, port });
      const sources =
        allowed.get(key) ?? (local.has(destination.toString()) ? allowed.get(keyOf({ protocol, port })) : undefined);
      // Of a service that went while nobody looked only the address is left.
      if (sources === undefined) return isFirst && isTranslated && serviceNetwork.contains(destination);
      if (sources === 'gone') return isTranslated;
      return !sources.has(`${reply.source}:${reply.sourcePort}`);
    };
    return questions.reduce((removed, question) => removed + this.#deleteIf(question, isStale), 0);
  }
}

/** What to ask the kernel for, and from where a target may be answered; from nowhere when it is gone. */
interface Plan {
  readonly questions: readonly ConntrackFilter[];
  readonly allowed: ReadonlyMap<string, ReadonlySet<string> | 'gone'>;
}

const PROTOCOL_NAMES: ReadonlyMap<number, Endless> = new Map([
  [PROTOCOL_NUMBERS.udp, 'udp'],
  [PROTOCOL_NUMBERS.sctp, 'sctp'],
]);

function planAll(now: Ports): Plan {
  const allowed = new Map<string, ReadonlySet<string>>();
  for (const port of now.values())
    for (const target of targetsOf(port).values()) allowed.set(keyOf(target), new Set(sourcesOf(port).keys()));
  return { questions: everything(), allowed };
}

function planChange(before: Ports, now: Ports): Plan {
  const questions = new Map<string, ConntrackFilter>();
  const allowed = new Map<string, ReadonlySet<string> | 'gone'>();
  const ask = (filter: ConntrackFilter) => questions.set(JSON.stringify(filter), filter);
  const changed = [...changesOf(before, now)];
  // Addresses move between services: what is there now counts.
  for (const [old] of changed) for (const key of targetsOf(old).keys()) allowed.set(key, 'gone');
  for (const [old, port] of changed) {
    const [hadTargets, hadSources] = [targetsOf(old), sourcesOf(old)];
    const [targets, sources] = [targetsOf(port), sourcesOf(port)];
    for (const key of targets.keys()) allowed.set(key, new Set(sources.keys()));
    const protocol = protocolOf(port ?? old);
    if (protocol === undefined) continue;
    // What went past it, while it had no endpoint, did not go to one.
    const isServedAgain = hadSources.size === 0 && sources.size > 0;
    for (const [key, target] of targets) if (isServedAgain || !hadTargets.has(key)) ask(questionOf(target));
    for (const [key, target] of hadTargets) if (!targets.has(key)) ask(questionOf(target));
    for (const [key, ip] of hadSources)
      if (!sources.has(key) && targets.size > 0) ask({ family: 4, protocol, replySource: ip });
  }
  return { questions: questions.size > MOST_QUESTIONS ? everything() : [...questions.values()], allowed };
}

/** The ports that are not the same, as they were and as they are; one that changed its protocol is two. */
function* changesOf(
  before: Ports,
  now: Ports,
): Generator<readonly [old: ProxiedPort | undefined, now: ProxiedPort | undefined]> {
  for (const [key, old] of before) {
    const port = now.get(key);
    if (port === old) continue;
    if (port === undefined || port.protocol === old.protocol) yield [old, port];
    else {
      yield [old, undefined];
      yield [undefined, port];
    }
  }
  for (const [key, port] of now) if (!before.has(key)) yield [undefined, port];
}

function protocolOf(port: ProxiedPort | undefined): number | undefined {
  return port === undefined || port.protocol === 'tcp' ? undefined : PROTOCOL_NUMBERS[port.protocol];
}

/** Where packets may be sent for the port, by key; none for a protocol whose connections end. */
function targetsOf(port: ProxiedPort | undefined): ReadonlyMap<string, Target> {
  if (port === undefined || port.protocol === 'tcp') return new Map();
  const { protocol, clusterIp, externalIps, loadBalancerIps, nodePort } = port;
  const addressed = [clusterIp, ...externalIps, ...loadBalancerIps].map((address) => ({
    protocol,
    address,
    port: port.port,
  }));
  const targets: Target[] = nodePort === undefined ? addressed : [...addressed, { protocol, port: nodePort }];
  return new Map(targets.map((target) => [keyOf(target), target]));
}

/** From where the port may be answered: address and port, by both as text. */
function sourcesOf(port: ProxiedPort | undefined): ReadonlyMap<string, Ip> {
  if (port === undefined) return new Map();
  const { clusterEndpoints, localEndpoints, portal } = port;
  const all = [...clusterEndpoints, ...localEndpoints, ...(portal === undefined ? [] : [portal])];
  return new Map(all.map(({ ip, port: number }) => [`${ip}:${number}`, ip]));
}

function keyOf({ protocol, address, port }: Target): string {
  return `${protocol} ${address ?? 'node'} ${port}`;
}

function questionOf({ protocol, address, port }: Target): ConntrackFilter {
  return {
    family: 4,
    protocol: PROTOCOL_NUMBERS[protocol],
    originalDestinationPort: port,
    ...(address === undefined ? {} : { originalDestination: address }),
  };
}

/** One walk for each protocol. */
function everything(): readonly ConntrackFilter[] {
  return Object.values(PROTOCOL_NUMBERS).map((protocol) => ({ family: 4, protocol }));
}
