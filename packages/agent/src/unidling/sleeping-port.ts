import type { Service } from '@tenet/model';
import { type Portal, type ProxiedEndpoint, type ProxiedPort, portLabel } from '@tenet/proxy';
import { type Clock, type Ip, type Logger, sentenceOf } from '@tenet/std';
import { HeldClients } from './held-clients.ts';
import { NeedPods } from './need-pods.ts';
import type { HeldClient, PortalSocket, PortalSockets } from './portal-socket.ts';
import { AWAKE, nextStage, type SleepStage } from './sleep-stage.ts';

/** What ports that sleep are kept with. */
export interface SleepingPortOptions {
  /** Where portals are. */
  readonly address: Ip;
  readonly sockets: PortalSockets;
  /** Records the Event that the port of the service needs pods. */
  readonly record: (service: Service, port: ProxiedPort) => Promise<void>;
  /** Whether this node may connect to the address for a client of the project's service. */
  readonly mayJoin: (ip: Ip, namespace: string) => Promise<boolean>;
  /** Forgets which UDP clients the rules once led to the portal. */
  readonly forgetDatagrams: (portal: Portal) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What a look finds. */
export interface PortNow {
  readonly port: ProxiedPort;
  readonly service: Service;
}

/**
 * For how long a portal stays open when no rule leads to it any more, in milliseconds: conntrack leads a client whose
 * first packet came before to where that one went, for as long as it waits for an answer
 * (nf_conntrack_tcp_timeout_syn_sent).
 */
const LINGER_MS = 120_000;

/** One port of a service that sleeps, is being woken, or has just woken. */
export class SleepingPort implements Disposable {
  readonly #options: SleepingPortOptions;
  readonly #socket: PortalSocket;
  readonly #held: HeldClients;
  readonly #needPods: NeedPods;
  /** Which endpoints may be joined, as it was found since the last look. */
  readonly #judged = new Map<ProxiedEndpoint, Promise<boolean>>();
  /** With session affinity: where each client was joined to. */
  readonly #joinedTo = new Map<string, ProxiedEndpoint>();
  readonly portal: Portal;
  #now: PortNow;
  #stage: SleepStage = AWAKE;
  /** Since when no rule leads here; absent while one may. */
  #unledSinceMs: number | undefined;
  #hadDatagrams = false;

  /** Opens its portal; KERNEL_REFUSED when the kernel would not. */
  constructor(now: PortNow, protocol: 'tcp' | 'udp', options: SleepingPortOptions) {
    const { clock, random, log, signal, address, sockets } = options;
    this.#options = options;
    this.#now = now;
    this.#needPods = new NeedPods({
      service: portLabel(now.port),
      record: () => options.record(this.#now.service, this.#now.port),
      ...{ clock, random, log },
    });
    this.#held = new HeldClients({
      choose: (client, failed) => this.#choose(client, failed),
      mayJoin: (endpoint) => this.#mayJoin(endpoint),
      ...{ clock, signal },
    });
    this.#socket = sockets.open(protocol, {
      isServedAt: (to, number) => isServedAt(this.#now.port, to, number),
      onClient: (client) => this.#onClient(client),
      onDatagram: (isLed) => this.#onDatagram(isLed),
    });
    this.portal = { ip: address, port: this.#socket.port };
    this.look(now);
  }

  /** Whether new connections should be led to the portal. */
  get isHeld(): boolean {
    return this.#stage.kind !== 'awake';
  }

  /** Whether nothing leads here, and has not for long enough. */
  get isOver(): boolean {
    const since = this.#unledSinceMs;
    return !this.isHeld && since !== undefined && this.#options.clock.nowMs() - since >= LINGER_MS;
  }

  /** Whether what it was opened for is still the same thing. */
  isFor({ port, service }: PortNow): boolean {
    return service.uid === this.#now.service.uid && port.protocol === this.#now.port.protocol;
  }

  /** Takes in what is now. To be called at every change and every second. */
  look(now: PortNow): void {
    const { clock, log } = this.#options;
    const before = this.#stage;
    this.#now = now;
    this.#judged.clear();
    this.#stage = nextStage(before, {
      idledAt: now.service.idledAt,
      hasEndpoints: hasEndpoints(now.port),
      nowMs: clock.nowMs(),
    });
    if (this.#stage.kind === 'asleep' && this.#stage !== before) this.#needPods.rearm();
    if (before.kind !== 'awake' && this.#stage.kind === 'awake') {
      this.#joinedTo.clear();
      log.info(hasEndpoints(now.port) ? 'service has woken' : 'service was not woken', {
        service: portLabel(now.port),
        connections: this.#held.count,
      });
    }
    if (candidates(now.port).length > 0) this.#held.release();
    this.#held.expire();
    if (this.#stage.kind === 'asleep' && this.#held.count > 0) this.#needPods.needed();
    this.#forgetDatagrams();
  }

  /** Rules were installed, which lead to the portal or do not. */
  installed(isLedTo: boolean): void {
    if (isLedTo) this.#unledSinceMs = undefined;
    else this.#unledSinceMs ??= this.#options.clock.nowMs();
    this.#hadDatagrams = false;
  }

  /** Closes the portal; lets go of all who wait. Who was joined to an endpoint stays. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
    this.#held.letAllGo();
  }

  #onClient(client: HeldClient): void {
    // The service has been given up: as if it had no portal.
    if (this.#stage.kind === 'awake' && !hasEndpoints(this.#now.port)) {
      client.reset();
      return;
    }
    this.#held.hold(client);
    if (candidates(this.#now.port).length > 0) this.#held.release();
    else if (this.#stage.kind === 'asleep') this.#needPods.needed();
  }

  #onDatagram(isLed: () => boolean): void {
    this.#hadDatagrams = true;
    if (this.#stage.kind === 'asleep' && this.#needPods.isDue && isLed()) this.#needPods.needed();
  }

  /**
   * UDP goes where its first datagram went, for as long as more come. One that met the old rules at the last moment may
   * be tracked only after those that had met them were forgotten: then its next datagrams are seen here.
   */
  #forgetDatagrams(): void {
    if (this.#unledSinceMs === undefined || !this.#hadDatagrams) return;
    this.#hadDatagrams = false;
    this.#options.forgetDatagrams(this.portal);
  }

  #choose(client: string, failed: ReadonlySet<ProxiedEndpoint>): ProxiedEndpoint | undefined {
    const { port } = this.#now;
    const all = candidates(port);
    const before = this.#joinedTo.get(client);
    if (before !== undefined && all.includes(before) && !failed.has(before)) return before;
    const fresh = all.filter((endpoint) => !failed.has(endpoint));
    const some = fresh.length > 0 ? fresh : all;
    const chosen = some[Math.floor(this.#options.random() * some.length)];
    if (port.affinitySeconds !== undefined && chosen !== undefined) this.#joinedTo.set(client, chosen);
    return chosen;
  }

  #mayJoin(endpoint: ProxiedEndpoint): Promise<boolean> {
    const judged = this.#judged.get(endpoint) ?? this.#judge(endpoint);
    this.#judged.set(endpoint, judged);
    return judged;
  }

  async #judge({ ip }: ProxiedEndpoint): Promise<boolean> {
    const { mayJoin, log } = this.#options;
    const { namespace } = this.#now.port;
    const facts = { service: portLabel(this.#now.port), ip: ip.toString() };
    try {
      const may = await mayJoin(ip, namespace);
      if (!may)
        log.warn('held clients are not joined to an endpoint', {
          ...facts,
          reason: 'no pod of the project or of a global one has its address',
          remedy: 'let a selector choose the endpoints of a service that is put to sleep',
        });
      return may;
    } catch (error) {
      log.warn('held clients are not joined to an endpoint', {
        ...facts,
        error: sentenceOf(error),
        remedy: 'check the API server',
      });
      return false;
    }
  }
}

/** Whether any node has something to send new connections to. */
export function hasEndpoints({ hasEndpointsSomewhere, clusterEndpoints, localEndpoints }: ProxiedPort): boolean {
  return hasEndpointsSomewhere || clusterEndpoints.length > 0 || localEndpoints.length > 0;
}

/** Whether the port has this address. A node port has all of the node's, and is for everybody. */
function isServedAt({ clusterIp, externalIps, loadBalancerIps, port, nodePort }: ProxiedPort, to: Ip, number: number) {
  if (number === nodePort) return true;
  return number === port && [clusterIp, ...externalIps, ...loadBalancerIps].some((ip) => ip.equals(to));
}

/** Where the rules of this node send who asks for its cluster IP. */
function candidates({ internalTrafficPolicy, clusterEndpoints, localEndpoints }: ProxiedPort) {
  return internalTrafficPolicy === 'Local' ? localEndpoints : clusterEndpoints;
}
